import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { StartError } from "@tenon/errors";
import pg from "pg";
import type { Cluster } from "./cluster.ts";
import { findPostmaster, type Launched, launchPostmaster, type Postmaster, type ServerSettings } from "./postmaster.ts";

/** A running server that is ours alone. */
export interface Attached {
  readonly pid: number;
  readonly port: number;
  /** A session of the superuser. While it lives no other process can attach; it ends with this process, however that dies. */
  readonly admin: pg.Client;
}

export interface AttachOptions {
  settings: ServerSettings;
  /** Listen on this one and no other. By default on that of the last start, or a free one. */
  port?: number;
  onProgress: (line: string) => void;
}

/** Recovery after a crash goes through the log since the last checkpoint, which its size limits. */
const START_LIMIT_MS = 60_000;
const SILENCE_LIMIT_MS = 3_000;
const POLL_MS = 10;

/**
 * Finds the server of a cluster or starts it, and makes it ours. Who owns a server is decided in the server, by a lock
 * of our session: that cannot be left behind by a process that was killed, and two that start at once cannot both have it.
 */
export async function attach(cluster: Cluster, options: AttachOptions): Promise<Attached> {
  const started: { server?: Launched | undefined } = {};
  try {
    return await findOrStart(cluster, options, started);
  } catch (error) {
    // Whoever was quicker to own it may have done so with the server that we started.
    if (!(error instanceof InUseError)) started.server?.stop();
    throw error;
  }
}

async function findOrStart(
  cluster: Cluster,
  { settings, port, onProgress }: AttachOptions,
  started: { server?: Launched | undefined },
): Promise<Attached> {
  const startedAt = Date.now();
  let wanted = port ?? (await keptPort(cluster));
  // One that only begins is another start's, with which this one races.
  const isLeft = (await findPostmaster(cluster))?.ready === true;
  for (let told = false; Date.now() - startedAt < START_LIMIT_MS; await delay(POLL_MS)) {
    const failure = await started.server?.failure();
    if (failure !== undefined) {
      started.server = undefined;
      if (/Address already in use|could not bind/.test(failure)) wanted = port ?? (await freePort());
      else if (!/lock file "postmaster.pid"|pre-existing shared memory/.test(failure))
        throw notStarted(cluster, failure);
    }
    const server = await findPostmaster(cluster);
    if (!server && !started.server) started.server = await launchPostmaster(cluster, wanted, settings);
    const admin = server?.ready ? await connectAdmin(cluster, server) : undefined;
    if (server && admin) {
      if (isLeft) onProgress("Taking over the database that a killed run left");
      await writeFile(cluster.portFile, String(server.port));
      return { pid: server.pid, port: server.port, admin };
    }
    if (!told && Date.now() - startedAt > SILENCE_LIMIT_MS) {
      told = true;
      onProgress("Waiting for the database to recover");
    }
  }
  throw new StartError(`the database did not start within ${START_LIMIT_MS / 1000} s: see ${cluster.logFile}`);
}

/** Any number that nothing else of ours locks. */
const OWNER_LOCK = "7233188023410137090";

/** A session that owns the server; undefined if it went away meanwhile. Throws where another process owns it. */
async function connectAdmin(cluster: Cluster, { port }: Postmaster): Promise<pg.Client | undefined> {
  const admin = new pg.Client({
    host: "127.0.0.1",
    port,
    user: "postgres",
    password: cluster.password,
    database: "postgres",
    application_name: `${OWNER} ${process.pid}`,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  });
  admin.on("error", () => {}); // "end" follows
  try {
    await admin.connect();
    const { rows } = await admin.query(`select pg_try_advisory_lock(${OWNER_LOCK}) as owned`);
    if (rows[0].owned) {
      await admin.query("revoke connect, temporary on database postgres, template1 from public");
      return admin;
    }
  } catch (error) {
    await admin.end().catch(() => {});
    if (error instanceof pg.DatabaseError && error.code === "28P01") throw wrongPassword(cluster);
    return undefined;
  }
  const owner = await admin.query("select application_name as name from pg_stat_activity where application_name ~ $1", [
    `^${OWNER} \\d+$`,
  ]);
  await admin.end().catch(() => {});
  const names: string[] = owner.rows
    .map(({ name }) => name)
    .filter((name: string) => !name.endsWith(` ${process.pid}`));
  throw new InUseError(cluster, names[0]?.slice(OWNER.length + 1));
}

const OWNER = "tenon owner";

async function keptPort(cluster: Cluster): Promise<number> {
  const port = Number(await readFile(cluster.portFile, "utf8").catch(() => ""));
  return port > 0 && port < 65536 ? port : freePort();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

/** Another live process owns the directory. */
export class InUseError extends StartError {
  constructor({ place }: Cluster, pid = "another one") {
    super(`the database in ${place.directory} is in use by process ${pid}: stop that one first`);
  }
}

const wrongPassword = ({ place }: Cluster) =>
  new StartError(
    `the database in ${place.directory} does not take the password kept beside it: delete it to start anew`,
  );

function notStarted({ place, logFile }: Cluster, said: string): StartError {
  const last = said.split("\n").findLast((line) => /FATAL|PANIC|error/.test(line)) ?? said.trim().split("\n").at(-1);
  const reason = last?.replace(/^.*?(FATAL|PANIC):\s*/, "").trim() || "it ended without a word";
  const help = `see ${logFile}; if its data is damaged, delete ${place.directory} to start anew`;
  return new StartError(`the database in ${place.directory} does not start: ${reason} (${help})`);
}
