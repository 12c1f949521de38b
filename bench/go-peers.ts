import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** The servers in Go as one program, or why there are none here. */
export type GoPeers = { program: string; notRun: readonly [] } | { program?: undefined; notRun: readonly [string] };

const root = join(import.meta.dirname, "..");
const source = join(import.meta.dirname, "peers/go");

/** Builds the servers in Go from source, with what Go's module cache or proxy has of their packages. */
export function buildGoPeers(say: (line: string) => void): GoPeers {
  if (spawnSync("go", ["version"]).error) return { notRun: ["grpc-go, because there is no Go on this machine"] };
  say("Building the servers in Go (about a minute the first time)...");
  const program = join(source, "gen/go-peer");
  for (const [name, ...args] of [
    ["buf", "generate", "--template", join(source, "buf.gen.yaml")],
    ["go", "-C", source, "build", "-o", program, "."],
  ] as const) {
    const { status, stderr, error } = spawnSync(name, args, { cwd: root, encoding: "utf8" });
    if (status === 0) continue;
    const reason = error?.message ?? stderr.trim().split("\n").at(-1);
    return { notRun: [`grpc-go, because it does not build here (${reason})`] };
  }
  return { program, notRun: [] };
}
