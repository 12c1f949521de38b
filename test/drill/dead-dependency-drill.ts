import { readFile, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { StatusError } from "@tenon/errors";
import { createServer, type Interceptor, type Server } from "@tenon/grpc";
import { isUnavailable } from "./call-log.ts";
import { type Drilled, signal } from "./drain-drills.ts";
import { DIRECT } from "./drill-customer.ts";
import type { DrillPlatform } from "./drill-platform.ts";
import { type DrillRow, toRow } from "./drill-row.ts";

const AWAY_MS = 15_000;
const RECOVERY_LIMIT_MS = 180_000;
const CLOSE_LIMIT_MS = 30_000;
/**
 * Of each process that calls payment: 20 calls before a circuit opens, the repetitions that ten failures in a row leave of the
 * retry budget, and a probe each second at most. A caller without either would come ten times a second with four attempts.
 */
const ATTEMPTS_MOST = 20 + 10 + 15;

/** All of payment is gone; in its place is what counts who comes. */
export async function loseDependency({ platform, load }: Drilled): Promise<DrillRow> {
  const faults: string[] = [];
  const { services, gateways } = platform;
  const payments = services.processes.filter(({ service }) => service === "payment");
  const callers = [...services.processes.filter(({ service }) => service === "order"), ...gateways];
  const logsFrom = await Promise.all(callers.map(async ({ logFile }) => (await stat(logFile)).size));
  const end = load.measure();
  platform.stayAway(AWAY_MS);
  const gone = payments.map((each) => platform.nextExit(each.name));
  for (const each of payments) signal(each, "SIGKILL");
  await Promise.all(gone);
  const goneMs = performance.now();
  platform.stayAway(0);

  let attempts = 0;
  const count: Interceptor = ({ method, requestMetadata }) => ({
    onStart() {
      // The gateway asks for health at its own pace, whatever it finds.
      if (!method.service.includes("health") && requestMetadata.get(DIRECT).length === 0) attempts += 1;
      throw new StatusError("UNAVAILABLE", "it is not there");
    },
  });
  const stands = await Promise.all(payments.map(({ port }) => standIn(platform, port, count)));
  await delay(AWAY_MS - 1000 - (performance.now() - goneMs));
  await Promise.all(stands.map((each) => each.close({ graceMs: 0 })));
  await Promise.all(payments.map((each) => each.ready(RECOVERY_LIMIT_MS)));
  const backMs = performance.now();
  await load.answered(RECOVERY_LIMIT_MS);
  const recoveredMs = performance.now() - backMs;
  const readCircuits = () => Promise.all(callers.map(({ logFile }, i) => circuitsOf(logFile, logsFrom[i] ?? 0)));
  let circuits = await readCircuits();
  // It takes three calls of a caller that go well, which may have few.
  for (const until = performance.now() + CLOSE_LIMIT_MS; performance.now() < until && !circuits.every(isOver); ) {
    await delay(500);
    circuits = await readCircuits();
  }
  const tally = end();

  if (attempts > ATTEMPTS_MOST * callers.length) faults.push(`payment was tried ${attempts} times while it was gone`);
  for (const state of ["open", "half-open", "closed"]) {
    if (!circuits.flat().includes(state)) faults.push(`no circuit was ${state}`);
  }
  for (const [index, states] of circuits.entries()) {
    if (!isOver(states)) faults.push(`a circuit of ${callers[index]?.name} stays ${states.at(-1)}`);
  }
  const opened = circuits.flat().filter((state) => state === "open").length;
  const seen = `${attempts} attempts of ${callers.length} callers in ${AWAY_MS / 1000} s, circuits opened ${opened} times, all answered ${(recoveredMs / 1000).toFixed(1)} s after it was back`;
  return toRow({ drill: "payment is gone", invariant: "51", seen }, tally, faults, isUnavailable);
}

async function standIn(platform: DrillPlatform, port: number, count: Interceptor): Promise<Server> {
  const { cert, key, ca } = platform.certificateOf("payment");
  const [certPem, keyPem, caPem] = await Promise.all([cert, key, ca].map((file) => readFile(file)));
  const tls = { cert: certPem as Buffer, key: keyPem as Buffer, ca: caPem };
  const server = createServer({ services: [], interceptors: [count], tls });
  await server.listen({ host: "127.0.0.1", port });
  return server;
}

const isOver = (states: readonly string[]): boolean => states.length === 0 || states.at(-1) === "closed";

/** What became of the circuits of a process since then, as it told. */
async function circuitsOf(logFile: string, from: number): Promise<string[]> {
  const lines = (await readFile(logFile)).subarray(from).toString().split("\n");
  return lines.flatMap((line) => /"msg":"circuit ([\w-]+)"/.exec(line)?.[1] ?? []);
}
