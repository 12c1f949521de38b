import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chown, cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Binaries } from "./binaries.ts";

/** Where PostgreSQL runs and as whom: it refuses to run as root, and to run as a user without a name. */
export interface Place {
  readonly directory: string;
  readonly binaries: Binaries;
  /** What goes before every command. */
  readonly prefix: readonly string[];
  /** As whom commands run; undefined: as this process. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface PlaceOptions {
  /** Absolute. */
  directory: string;
  binaries: Binaries;
  onProgress: (line: string) => void;
  /** Whether to try a user namespace; by default yes. */
  namespaces?: boolean;
  /** Where to move to without one; by default /var/lib/tenon. */
  refuge?: string;
}

/**
 * Where we are, for a user with a name. Else in a user namespace in which we have the name of another user: to the rest
 * of the system it stays us, so every directory of ours can be entered, and no user is added. Where root is refused
 * that too, as in some containers, PostgreSQL runs as that other user, who must be able to reach binaries and data:
 * they move.
 */
export async function choosePlace(options: PlaceOptions): Promise<Place> {
  const { directory, binaries, onProgress, namespaces = true, refuge = "/var/lib/tenon" } = options;
  const users = await readUsers();
  const uid = process.getuid?.() ?? -1;
  // Without a list of users (macOS, Windows) all that we can know is who is root.
  if (uid !== 0 && (users.size === 0 || users.has(uid))) return { directory, binaries, prefix: [] };
  const other = [1000, NOBODY].find((id) => users.has(id)) ?? [...users.keys()].find((id) => id !== 0) ?? NOBODY;
  const group = users.get(other) ?? other;
  const prefix = ["unshare", "--user", `--map-user=${other}`, `--map-group=${group}`];
  if (namespaces && (await works([...prefix, "true"]))) return { directory, binaries, prefix };
  if (uid !== 0) return { directory, binaries, prefix: [] };
  const id = createHash("sha256").update(directory).digest("hex").slice(0, 12);
  const moved = join(refuge, `data-${id}`);
  onProgress(`This system lets root start no PostgreSQL here: its data is in ${moved}`);
  const home = await copyOnce(binaries, join(refuge, `postgresql-${binaries.version}`));
  await mkdir(moved, { recursive: true, mode: 0o700 });
  await chown(moved, other, group);
  return { directory: moved, binaries: { ...binaries, home }, prefix: [], uid: other, gid: group };
}

const NOBODY = 65534;

/** User ids with their groups, as /etc/passwd lists them. */
async function readUsers(): Promise<Map<number, number>> {
  const text = process.platform === "linux" ? await readFile("/etc/passwd", "utf8").catch(() => "") : "";
  const rows = text.split("\n").filter((line) => line.includes(":"));
  return new Map(rows.map((line) => line.split(":")).map((parts) => [Number(parts[2]), Number(parts[3])]));
}

const works = ([command, ...args]: readonly string[]) =>
  promisify(execFile)(command as string, args, { timeout: 5000 }).then(
    () => true,
    () => false,
  );

/** Copies beside the target and renames, so that a copy is there whole or not at all. */
async function copyOnce(binaries: Binaries, target: string): Promise<string> {
  const there = await access(target).then(
    () => true,
    () => false,
  );
  if (there) return target;
  await mkdir(dirname(target), { recursive: true });
  const draft = `${target}.${process.pid}`;
  await cp(binaries.home, draft, { recursive: true, verbatimSymlinks: true });
  // Another process may have been first: its copy is as good.
  await rename(draft, target).catch(() => rm(draft, { recursive: true }));
  return target;
}
