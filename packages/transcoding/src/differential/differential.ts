// `make differential`: every case of transcoding-cases.json is sent to ours and to grpc-gateway, before the same backend.
// Each difference has to be in intended-differences.json, with why, and each that is in there has to be one. Where there is
// no Go, this says so and exits with 3.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeListener } from "../node-listener.ts";
import { compileThings, createThings } from "../things-fixture.ts";
import { createTranscoder } from "../transcoder.ts";
import { buildGrpcGateway, startGrpcGateway } from "./grpc-gateway.ts";
import { type Ask, ask, type Told, tellsTheSame } from "./told.ts";

/** A rule that we have otherwise, and the cases that show it. */
interface IntendedDifference {
  readonly why: string;
  readonly cases: readonly string[];
}

const CANNOT_RUN = 3;
const say = (line: string) => process.stdout.write(`${line}\n`);
const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as T;

async function compare(program: string): Promise<boolean> {
  const things = createThings({ service: compileThings() });
  const backend = await things.server.listen({ host: "127.0.0.1", port: 0 });
  const theirs = await startGrpcGateway(program, `127.0.0.1:${backend}`);
  const server = createServer(toNodeListener(createTranscoder({ backends: [things] }).handle));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ours = (server.address() as AddressInfo).port;
  try {
    return judge(await answersOf(read<Ask[]>("../transcoding-cases.json"), { ours, theirs: theirs.port }));
  } finally {
    server.closeAllConnections();
    server.close();
    await theirs.stop();
    await things.close();
  }
}

interface Answers {
  readonly name: string;
  readonly ours: Told;
  readonly theirs: Told;
}

async function answersOf(cases: readonly Ask[], ports: { ours: number; theirs: number }): Promise<Answers[]> {
  const answers: Answers[] = [];
  for (const each of cases) {
    const [ours, theirs] = await Promise.all([ask(ports.ours, each), ask(ports.theirs, each)]);
    answers.push({ name: `${each.from}: ${each.send}`, ours, theirs });
  }
  return answers;
}

/** Tells what is not as it is listed. */
function judge(answers: readonly Answers[]): boolean {
  const intended = read<IntendedDifference[]>("intended-differences.json");
  const listed = new Map(intended.flatMap(({ why, cases }) => cases.map((name) => [name, why] as const)));
  const differ = answers.filter(({ ours, theirs }) => !tellsTheSame(ours, theirs));
  const unlisted = differ.filter(({ name }) => !listed.has(name));
  const differing = new Set(differ.map(({ name }) => name));
  const stale = [...listed.keys()].filter((name) => !differing.has(name));
  for (const { name, ours, theirs } of unlisted) {
    say(`not listed: ${name}\n  ours    ${JSON.stringify(ours)}\n  theirs  ${JSON.stringify(theirs)}`);
  }
  for (const name of stale) say(`listed, but the same or gone: ${name}`);
  say(`${answers.length - differ.length} of ${answers.length} cases alike, ${differ.length} different:`);
  for (const { why, cases } of intended) say(`  ${String(cases.length).padStart(3)}  ${why}`);
  return unlisted.length === 0 && stale.length === 0;
}

const built = buildGrpcGateway(say);
if ("missing" in built) {
  say(`differential: not run here, ${built.missing}`);
  process.exitCode = CANNOT_RUN;
} else process.exitCode = (await compare(built.program)) ? 0 : 1;
