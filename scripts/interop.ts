// Judges our server and client, with their whole chains, by grpc-go's interoperability programs. They come as a Go module: where
// there is no Go, this says so and exits with 3.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

const VERSION = "v1.85.0";
const MODULE = "google.golang.org/grpc/interop";
const CANNOT_RUN = 3;

const root = join(import.meta.dirname, "..");
const programs = join(root, "test/interop");
const bin = join(root, ".data/judges");

const say = (line: string) => process.stdout.write(`${line}\n`);

function cannotRun(why: string): never {
  say(`interop: not run here, ${why}`);
  process.exit(CANNOT_RUN);
}

/** grpc-go's client or server, built once. */
function programOf(side: "client" | "server"): string {
  const program = join(bin, `interop-${side}-${VERSION}`);
  if (existsSync(program)) return program;
  say(`installing grpc-go's interop ${side} ${VERSION} (first time only, a minute)`);
  mkdirSync(bin, { recursive: true });
  const install = ["env", `GOBIN=${bin}`, "GOFLAGS=-mod=mod", "go", "install", `${MODULE}/${side}@${VERSION}`] as const;
  const [command, ...args] = install;
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) cannotRun(`${MODULE} cannot be had: ${stderr.trim().split("\n").at(-1)}`);
  renameSync(join(bin, side), program);
  return program;
}

function must(cwd: string, program: string, ...args: string[]): void {
  if (spawnSync(program, args, { cwd, stdio: "inherit" }).status !== 0) process.exit(1);
}

if (spawnSync("go", ["version"]).error) cannotRun("there is no Go");
const [client, server] = [programOf("client"), programOf("server")];
must(programs, "buf", "generate", "proto");
must(root, "tsc", "-p", programs);
must(root, process.execPath, join(programs, "interop-run.ts"), client, server);
