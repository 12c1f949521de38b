import { open, readFile, rename } from "node:fs/promises";

/** The text of a file, '' where there is none. */
export const readIfThere = (file: string): Promise<string> =>
  readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });

/** Writes a line as a file that is never seen half-written, whenever the process or the machine stops. By default for its owner only. */
export async function writeWhole(file: string, line: string, { mode = 0o600 } = {}): Promise<void> {
  const draft = await open(`${file}.new`, "w", mode);
  try {
    await draft.chmod(mode);
    await draft.writeFile(`${line}\n`);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${file}.new`, file);
}
