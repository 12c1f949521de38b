import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, ENVIRONMENT } from "./cluster.ts";

export interface ServerSettings {
  durable: boolean;
  maxConnections: number;
}

/** What PostgreSQL says of itself in postmaster.pid. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** It takes connections; else it starts or stops. */
  readonly ready: boolean;
}

const pidFile = (cluster: Cluster) => join(cluster.dataDirectory, "postmaster.pid");

/** The server that runs on a cluster, whoever started it; undefined if none does. */
export async function findPostmaster(cluster: Cluster): Promise<Postmaster | undefined> {
  const text = await readFile(pidFile(cluster), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!(pid > 0)) return undefined;
  const port = Number(lines[3]);
  if (await runsOn(cluster, pid)) return { pid, port, ready: port > 0 && lines[7]?.trim() === "ready" };
  // After a crash its number may be another process's, and PostgreSQL would take that one for itself. A number that
  // no process has keeps the rest of the file, by which it tells whether children of the dead one still live.
  const again = await readFile(pidFile(cluster), "utf8").catch(() => "");
  if (again === text && exists(pid)) await writeFile(pidFile(cluster), [NOBODYS_PID, ...lines.slice(1)].join("\n"));
  return undefined;
}

const NOBODYS_PID = "2000000000";

/** Whether that process is a PostgreSQL on this cluster, which is where its servers have their working directory. */
async function runsOn(cluster: Cluster, pid: number): Promise<boolean> {
  if (!exists(pid)) return false;
  if (process.platform !== "linux") return true;
  const [theirs, ours] = await Promise.all([
    stat(`/proc/${pid}/cwd`).catch(() => undefined),
    stat(cluster.dataDirectory),
  ]);
  return theirs?.ino === ours.ino && theirs.dev === ours.dev;
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A server that was started, and how it went if it ended. */
export interface Launched {
  /** What it said when it ended; undefined while it runs. */
  failure(): Promise<string> | undefined;
  /** Ends it, where nothing is connected to it. */
  stop(): void;
}

const LOG_MAX_BYTES = 1 << 20;

/** Starts a server, in a session of its own and bound to nothing of this process. */
export async function launchPostmaster(cluster: Cluster, port: number, settings: ServerSettings): Promise<Launched> {
  const { prefix, binaries, uid, gid } = cluster.place;
  await stat(cluster.logFile).then(
    ({ size }) => (size > LOG_MAX_BYTES ? truncate(cluster.logFile) : undefined),
    () => {},
  );
  const [command = "", ...args] = [
    ...prefix,
    join(binaries.home, "bin", "postgres"),
    ...argumentsOf(cluster, port, settings),
  ];
  const log = openSync(cluster.logFile, "a", 0o600);
  const from = (await stat(cluster.logFile)).size;
  const user = uid === undefined || gid === undefined ? {} : { uid, gid };
  const child = spawn(command, args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: ENVIRONMENT,
    cwd: "/",
    ...user,
  });
  closeSync(log);
  child.unref();
  let failure: Promise<string> | undefined;
  const said = async () => (await readFile(cluster.logFile).catch(() => Buffer.alloc(0))).subarray(from).toString();
  child.once("error", (error) => {
    failure = Promise.resolve(error.message);
  });
  child.once("exit", () => {
    failure ??= said();
  });
  return { failure: () => failure, stop: () => void child.kill("SIGINT") };
}

/** Everything on the command line, so that what an older version of this program wrote into files has no say. */
function argumentsOf(cluster: Cluster, port: number, { durable, maxConnections }: ServerSettings): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: "127.0.0.1",
    port,
    // TCP alone: the path of a socket may have 107 bytes, which a deep directory exceeds.
    unix_socket_directories: "",
    max_connections: maxConnections,
    shared_buffers: "32MB",
    max_wal_size: "256MB",
    // Nobody replicates from it: fewer processes, less log.
    wal_level: "minimal",
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    io_method: "sync",
    autovacuum_worker_slots: 2,
    autovacuum_max_workers: 1,
    jit: "off",
    huge_pages: "off",
    // A statement whose client was killed ends, too.
    client_connection_check_interval: "1s",
    log_min_messages: "warning",
    log_timezone: "UTC",
    timezone: "UTC",
    // Still written to the system at each commit: only a crash of the machine can lose it.
    ...(durable ? {} : { fsync: "off", full_page_writes: "off" }),
  };
  return [
    "-D",
    cluster.dataDirectory,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** Stops a server: connections are ended and transactions rolled back, at once if it takes longer than 10 s. */
export async function stopPostmaster(cluster: Cluster, pid: number): Promise<void> {
  for (const [signal, limitMs] of STEPS) {
    const deadline = Date.now() + limitMs;
    if (!(await runsOn(cluster, pid))) return;
    process.kill(pid, signal);
    while (Date.now() < deadline) {
      if (!(await runsOn(cluster, pid))) return;
      await delay(10);
    }
  }
}

/** PostgreSQL's "fast" and "immediate" shutdown. */
const STEPS = [
  ["SIGINT", 10_000],
  ["SIGQUIT", 5_000],
] as const;
