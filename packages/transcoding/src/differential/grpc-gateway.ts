import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FIXTURE_CONFIG } from "../things-fixture.ts";

const root = join(import.meta.dirname, "../../../..");
const source = join(import.meta.dirname, "go");
const START_MS = 20_000;

/** Builds grpc-gateway for the contract of the tests, with what Go's module cache or proxy has of its packages. */
export function buildGrpcGateway(say: (line: string) => void): { program: string } | { missing: string } {
  if (spawnSync("go", ["version"]).error) return { missing: "there is no Go" };
  say("Building grpc-gateway (about a minute the first time)...");
  const [image, program] = [join(source, "gen/things.binpb"), join(source, "gen/grpc-gateway")];
  for (const [name, ...args] of [
    ["mkdir", "-p", join(source, "gen")],
    ["buf", "build", "--config", FIXTURE_CONFIG, "--path", "packages/transcoding/src/fixture/things", "-o", image],
    ["buf", "generate", image, "--template", join(source, "buf.gen.yaml")],
    ["go", "-C", source, "build", "-o", program, "."],
  ] as const) {
    const { status, stderr, error } = spawnSync(name, args, { cwd: root, encoding: "utf8" });
    if (status !== 0) return { missing: `it does not build: ${error?.message ?? stderr.trim().split("\n").at(-1)}` };
  }
  return { program };
}

/** Starts it before a backend; it ends with its standard input. */
export async function startGrpcGateway(program: string, backend: string) {
  const child = spawn(program, [`-backend=${backend}`], { stdio: ["pipe", "pipe", "ignore"] });
  const exited = once(child, "exit");
  const [line] = await once(createInterface(child.stdout), "line", { signal: AbortSignal.timeout(START_MS) });
  return {
    port: Number(line),
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
