// Judges our server and our client by connectconformance, every case of gRPC over HTTP/2. It and its messages come as a Go
// module: where there is no Go, this says so and exits with 3.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const VERSION = "v1.0.6";
const MODULE = `connectrpc.com/conformance`;
const CANNOT_RUN = 3;

const root = join(import.meta.dirname, "..");
const programs = join(root, "test/conformance");
const bin = join(root, ".data/judges");

const say = (line: string) => process.stdout.write(`${line}\n`);
const capture = (program: string, ...args: string[]) => spawnSync(program, args, { cwd: root, encoding: "utf8" });

function cannotRun(why: string): never {
  say(`conformance: not run here, ${why}`);
  process.exit(CANNOT_RUN);
}

/** The folder of the module that the runner is built from; its messages are in there. */
function download(): string {
  const { error, status, stdout, stderr } = capture("go", "mod", "download", "-json", `${MODULE}@${VERSION}`);
  if (error) cannotRun("there is no Go");
  if (status !== 0) cannotRun(`${MODULE} cannot be had: ${JSON.parse(stdout || "{}").Error ?? stderr}`);
  return JSON.parse(stdout).Dir;
}

const isRunner = (program: string): boolean => capture(program, "--version").stdout?.includes(VERSION) ?? false;

/** The runner on the path, where it is of this version; else one of our own, built once. */
function findRunner(): string {
  const own = join(bin, "connectconformance");
  const found = ["connectconformance", own].find(isRunner);
  if (found) return found;
  say(`installing connectconformance ${VERSION} (first time only, a minute or two)`);
  const { status } = spawnSync(
    "env",
    [`GOBIN=${bin}`, "go", "install", `${MODULE}/cmd/connectconformance@${VERSION}`],
    {
      stdio: "inherit",
    },
  );
  if (status !== 0) cannotRun("the runner could not be installed");
  return own;
}

function must(cwd: string, program: string, ...args: string[]): void {
  if (spawnSync(program, args, { cwd, stdio: "inherit" }).status !== 0) process.exit(1);
}

/** Says how many cases held, and all that the runner says where one did not. */
function judge(runner: string, side: "server" | "client"): boolean {
  const program = join(programs, `conformance-${side}.ts`);
  const config = join(programs, "conformance.yaml");
  const { status, stdout, stderr } = capture(runner, "--mode", side, "--conf", config, "--", process.execPath, program);
  if (status !== 0) say(`${stdout}${stderr}`);
  say(`our ${side}: ${/\d+ passed, \d+ failed/.exec(`${stdout}${stderr}`)?.[0] ?? "the runner did not finish"}`);
  return status === 0;
}

const module = download();
const runner = findRunner();
must(programs, "buf", "generate", join(module, "proto"));
must(root, "tsc", "-p", programs);
const ok = [judge(runner, "server"), judge(runner, "client")].every(Boolean);
process.exitCode = ok ? 0 : 1;
