import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { findNatsServer, freePorts } from "@tenon/testing";
import { onTestFinished } from "vitest";

const program = findNatsServer();

/** Whether this machine has nats-server; where not, tests that need one are skipped by `skipIf`. */
export const hasNats = program !== undefined;

/** A nats-server with JetStream on a port of its own, which ends with the test. */
export async function startNats() {
  const directory = await mkdtemp(join(tmpdir(), "tenon-nats-"));
  const [port] = await freePorts(1);
  const store = join(directory, "store");
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const args = ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", store];
    server = spawn(program ?? "nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise<string>((resolve) => server?.once("exit", () => resolve("nats-server ended")));
    const lines = createInterface({ input: server.stderr as NonNullable<typeof server.stderr> });
    const ready = new Promise<void>((resolve) => {
      lines.on("line", (line) => line.includes("Server is ready") && resolve());
    });
    const failure = await Promise.race([ready, ended]);
    if (failure !== undefined) throw new Error(failure);
  }

  async function kill(): Promise<void> {
    const child = server;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  await start();
  onTestFinished(async () => {
    await kill();
    await rm(directory, { recursive: true });
  });
  return {
    url: `nats://127.0.0.1:${port}`,
    start,
    kill,
    /** As if its disk were new. */
    wipe: () => rm(store, { recursive: true }),
  };
}
