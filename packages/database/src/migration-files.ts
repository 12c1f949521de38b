import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";

export interface Migration {
  /** The file's name without its ending: `0001-idempotency`. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, in hex; line ends do not count. */
  readonly checksum: string;
}

/** The migrations that this package itself needs: run them before a service's own. */
export const databaseMigrations = new URL("./migrations/", import.meta.url);

const NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;
/** Statements that would end the transaction in which a file and its record become one. */
const TRANSACTION = /^\s*(begin|commit|rollback|start\s+transaction)(\s+(work|transaction))?\s*;/im;

/** The `.sql` files of folders, in the order of the folders and their numbers. Throws on what is not a migration. */
export async function readMigrations(folders: readonly URL[]): Promise<Migration[]> {
  const migrations = (await Promise.all(folders.map(readFolder))).flat();
  const names = new Set<string>();
  for (const { name } of migrations) {
    if (names.has(name)) throw new Error(`two migrations are called ${name}: rename the one that is not applied yet`);
    names.add(name);
  }
  return migrations;
}

async function readFolder(folder: URL): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(NAME.exec(file)?.[1]);
      if (number !== index + 1) {
        const wanted = String(index + 1).padStart(4, "0");
        throw new Error(`migration ${file}: names are 0001-words.sql, numbered without a gap; this one is ${wanted}`);
      }
      const text = (await readFile(new URL(file, `${folder.href.replace(/\/?$/, "/")}`), "utf8")).replaceAll(
        "\r\n",
        "\n",
      );
      if (TRANSACTION.test(text)) {
        throw new Error(`migration ${file}: runs in a transaction already; remove begin, commit and rollback`);
      }
      return { name: file.slice(0, -".sql".length), text, checksum: createHash("sha256").update(text).digest("hex") };
    }),
  );
}
