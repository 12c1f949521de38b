import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";

/** Where and with what something was measured: a figure means nothing without. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Processes that wanted to run in the last minute before the start: a busy machine measures badly. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
}

const PACKAGES = ["@grpc/grpc-js", "@bufbuild/protobuf", "express", "fastify", "nice-grpc"];
const GO_MODULES = [
  "google.golang.org/grpc",
  "github.com/grpc-ecosystem/go-grpc-middleware/v2",
  "github.com/grpc-ecosystem/grpc-gateway/v2",
];

export function describeMachine({ withGo }: { withGo: boolean }): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    loadAverage: loadavg()[0] ?? 0,
    versions: {
      tenon: commit(),
      node: process.versions.node,
      ...Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)])),
      ...(withGo && { go: output("go", "env", "GOVERSION"), ...goModuleVersions() }),
    },
  };
}

function packageVersion(name: string): string {
  const manifest = join(import.meta.dirname, "node_modules", name, "package.json");
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}

function goModuleVersions(): Record<string, string> {
  const manifest = readFileSync(join(import.meta.dirname, "peers/go/go.mod"), "utf8").split(/\s+/);
  return Object.fromEntries(GO_MODULES.map((name) => [name, manifest[manifest.indexOf(name) + 1] ?? "unknown"]));
}

/** The commit that was measured, if this is a repository. */
function commit(): string {
  try {
    return output("git", "-C", import.meta.dirname, "describe", "--always", "--dirty", "--exclude=*");
  } catch {
    return "not a git repository";
  }
}

const output = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
