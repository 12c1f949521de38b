import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "@tenon/errors";
import type { Place } from "./place.ts";

/** A data directory of PostgreSQL with what we keep beside it. */
export interface Cluster {
  readonly place: Place;
  /** PostgreSQL's own. */
  readonly dataDirectory: string;
  /** Of the superuser. */
  readonly password: string;
  /** The port of the last start, for the next one. */
  readonly portFile: string;
  readonly logFile: string;
}

export interface OpenClusterOptions {
  onProgress: (line: string) => void;
  durable: boolean;
}

/** The cluster of a place, made if there is none. Throws a StartError for one that we cannot run. */
export async function openCluster(place: Place, options: OpenClusterOptions): Promise<Cluster> {
  const { directory } = place;
  const home = join(directory, "cluster");
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (!(await exists(home))) await makeCluster(place, home, options);
  } catch (error) {
    if (error instanceof StartError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartError(`the database's directory ${directory} cannot be used: ${code ?? message}`, { cause: error });
  }
  const dataDirectory = join(home, "data");
  const [version, password] = await Promise.all([
    read(join(dataDirectory, "PG_VERSION")),
    read(join(home, "password")),
  ]);
  if (!version || !password) throw foreign(directory, "what is in it was not made by this program, or is damaged");
  const { majorVersion } = place.binaries;
  if (version !== majorVersion) {
    throw foreign(directory, `it holds data of PostgreSQL ${version.slice(0, 20)}, and this is ${majorVersion}`);
  }
  return { place, dataDirectory, password, portFile: join(home, "port"), logFile: join(directory, "postgres.log") };
}

/** Made aside and renamed when it is whole: a start that is killed leaves nothing that looks like a cluster. */
async function makeCluster(place: Place, home: string, { onProgress, durable }: OpenClusterOptions): Promise<void> {
  const { directory, uid, gid } = place;
  if (await exists(join(directory, "PG_VERSION"))) throw foreign(directory, "it holds a PostgreSQL that is not ours");
  onProgress("Making the database (once, some seconds)");
  await removeDrafts(directory);
  const draft = join(directory, `${DRAFT}${process.pid}`);
  await mkdir(draft, { recursive: true, mode: 0o700 });
  const passwordFile = join(draft, "password");
  await writeFile(passwordFile, randomBytes(32).toString("base64url"), { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) {
    for (const path of [draft, passwordFile]) await chown(path, uid, gid);
  }
  await runInitdb(
    place,
    [
      ["--pgdata", join(draft, "data")],
      ["--pwfile", passwordFile],
      ["--username", "postgres"],
      ["--auth", "scram-sha-256"],
      ["--encoding", "UTF8"],
      // The same order of text on every machine, whatever its locales.
      ["--locale-provider", "builtin"],
      ["--builtin-locale", "C.UTF-8"],
      ["--locale", "C"],
      // Small files for its log: a new database is made faster.
      ["--wal-segsize", "4"],
      ["--no-instructions"],
      ...(durable ? [] : [["--no-sync"]]),
    ].flat(),
  ); // prettier
  await rename(draft, home).catch(async (error: NodeJS.ErrnoException) => {
    await rm(draft, { recursive: true, force: true });
    // Another process has just made it: that one will do.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

async function runInitdb({ binaries, prefix, uid, gid }: Place, args: readonly string[]): Promise<void> {
  const [command = "", ...rest] = [...prefix, join(binaries.home, "bin", "initdb"), ...args];
  const user = uid === undefined || gid === undefined ? {} : { uid, gid };
  try {
    // A time zone that is given need not be searched for.
    await promisify(execFile)(command, rest, { env: { ...ENVIRONMENT }, cwd: "/", timeout: 120_000, ...user });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const said = stderr?.split("\n").find((line) => line.includes("error:") || line.includes("FATAL")) ?? message;
    throw new StartError(`the database cannot be made: ${said.trim()}`, { cause: error });
  }
}

/** Of PostgreSQL's programs: nothing of ours reaches them. */
export const ENVIRONMENT = { TZ: "UTC", LC_ALL: "C", PATH: "/usr/bin:/bin" };

const DRAFT = "cluster.new-";

/** Removes what killed starts left. */
async function removeDrafts(directory: string): Promise<void> {
  const drafts = (await readdir(directory)).filter((name) => name.startsWith(DRAFT));
  const dead = drafts.filter((name) => !isAlive(Number(name.slice(DRAFT.length))));
  await Promise.all(dead.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );

const read = async (path: string) => (await readFile(path, "utf8").catch(() => "")).trim();

/** An error for a directory that is better not touched. */
const foreign = (directory: string, why: string) =>
  new StartError(
    `the database's directory ${directory} cannot be used: ${why}. Move it away, or delete it to start anew`,
  );
