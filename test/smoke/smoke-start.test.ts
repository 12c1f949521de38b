import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PLATFORM_SERVICES } from "@tenon/platform";
import { expect, onTestFinished, test } from "vitest";
import { choosePorts } from "./published-ports.ts";
import { formatTable } from "./step-table.ts";

/** For a start of the program on a busy machine. */
const LIMIT_MS = 60_000;

/** `make smoke` where the programs on the path are these shell scripts. */
async function smokeWith(programs: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), "tenon-smoke-"));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(path, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(path, name), 0o755);
  }
  const options = { env: { PATH: path }, timeout: LIMIT_MS };
  return promisify(execFile)(process.execPath, [join(import.meta.dirname, "smoke.ts")], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}

const NO_COMPOSE = 'case "$1" in compose) exit 1;; esac';
const NO_DAEMON = 'case "$1" in info) echo "Cannot connect" >&2; exit 1;; esac';
/** Knows everything but how to build; says what it was told to. */
const NO_BUILD = 'case "$*" in *build*) echo "no space left on device" >&2; exit 1;; esac';

for (const [what, programs, line] of [
  ["without Docker", {}, /^smoke: Docker is not installed here: .*\n$/],
  [
    "with a Docker that does not run",
    { docker: NO_DAEMON },
    /^smoke: Docker is installed but cannot be reached: .*\n$/,
  ],
  ["without Compose", { docker: NO_COMPOSE }, /^smoke: Docker Compose is not installed here: .*\n$/],
  ["where images cannot be built", { docker: NO_BUILD }, /^smoke: docker .*build failed: no space left on device\n$/],
] as const) {
  test(
    `${what} it says one line and exits 1`,
    async () => {
      const { code, stderr } = await smokeWith(programs);
      expect([code, stderr]).toEqual([1, expect.stringMatching(line)]);
    },
    LIMIT_MS,
  );
}

test(
  "what could not be finished is taken down",
  async () => {
    const { stdout } = await smokeWith({ docker: NO_BUILD });
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^Everything is taken down/);
  },
  LIMIT_MS,
);

test("ports that somebody has are left alone, and others are told", async () => {
  const server = createServer();
  const held = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(8084, "127.0.0.1", () => resolve(true));
  });
  onTestFinished(() => void (held && server.close()));
  const lines: string[] = [];
  const ports = await choosePorts({ onTaken: (line) => lines.push(line) });
  expect(lines).toEqual([expect.stringMatching(/^In use on this machine: .*\b8084\b/)]);
  expect(Object.keys(ports)).toEqual(PLATFORM_SERVICES.map(({ name }) => name));
  expect(new Set(Object.values(ports)).size).toBe(PLATFORM_SERVICES.length);
  expect(Object.values(ports)).not.toContain(8084);
});

test("the table sums up", () => {
  const steps = [
    { name: "built", seconds: 61.25 },
    { name: "orders", orders: 40, seconds: 2 },
  ];
  expect(formatTable(steps).split("\n")).toEqual([
    "step    orders  seconds",
    "built              61.3",
    "orders      40      2.0",
    "total       40     63.3",
  ]);
});
