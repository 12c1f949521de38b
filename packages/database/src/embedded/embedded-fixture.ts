import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, onTestFinished } from "vitest";
import { silent } from "../database-fixture.ts";
import { type Embedded, type EmbeddedOptions, startEmbedded } from "./index.ts";

/** A directory that is gone after the test, with whatever server still runs in it. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tenon-embedded-"));
  onTestFinished(async () => {
    const pid = await serverPid(directory);
    if (pid !== undefined && isAlive(pid)) process.kill(pid, "SIGQUIT");
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  });
  return directory;
}

let made: Promise<string> | undefined;

/** Such a directory in which a server has run and was closed: a copy, which is quicker than a new one. */
export async function madeDirectory(): Promise<string> {
  made ??= (async () => {
    const directory = await mkdtemp(join(tmpdir(), "tenon-embedded-"));
    const embedded = await startEmbedded({ directory, logger: silent, durable: false });
    await embedded.close();
    return directory;
  })();
  const directory = await scratchDirectory();
  await promisify(execFile)("cp", ["-a", join(await made, "cluster"), directory]);
  return directory;
}

afterAll(async () => {
  if (made) await rm(await made, { recursive: true, force: true });
});

/** Starts in this process; closed after the test. Hears what it said, too. */
export async function start(directory: string, options: Partial<EmbeddedOptions> = {}) {
  const said: string[] = [];
  const onProgress = (line: string) => void said.push(line);
  const embedded = await startEmbedded({ directory, logger: silent, durable: false, onProgress, ...options });
  onTestFinished(() => embedded.close());
  return { embedded, said };
}

/** Another process that starts one, and the line in which it says how that went. */
export async function ownerProcess(directory: string): Promise<{ child: ChildProcess; line: string }> {
  const script = fileURLToPath(new URL("./owner-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) return { child, line };
  throw new Error("the process said nothing");
}

/** The process of the server of a directory, as PostgreSQL keeps it. */
export async function serverPid(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, "cluster", "data", "postmaster.pid"), "utf8").catch(() => "");
  return Number(text.split("\n")[0]) || undefined;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The first row that a statement gives at this URL. */
// biome-ignore lint/suspicious/noExplicitAny: a row of whatever was asked.
export async function ask(url: string, text: string): Promise<any> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    return (await client.query(text)).rows[0];
  } finally {
    await client.end();
  }
}

export const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );

export type { Embedded };
