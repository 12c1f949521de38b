import { mkdir, mkdtemp, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StartError, systemReason } from "@tenon/errors";

/** Makes the directory where it is missing. Throws a StartError where nothing can be kept in it. */
export async function makeDataDirectory(directory: string): Promise<void> {
  try {
    await makeDirectories(resolve(directory));
    // To ask for the right is not enough: root has it everywhere, and some file systems let nobody make anything.
    await rmdir(await mkdtemp(join(directory, "try-")));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "no directory can be made there" : systemReason(error);
    throw new StartError(`nothing can be kept in ${directory} (${reason}): set DATA_DIR to a directory of yours`, {
      cause: error,
    });
  }
}

/** Node's own `recursive` never comes back from a place like /proc, where what is missing cannot be made. */
async function makeDirectories(directory: string): Promise<void> {
  try {
    await makeOne(directory);
  } catch (error) {
    const parent = dirname(directory);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === directory) throw error;
    await makeDirectories(parent);
    await makeOne(directory);
  }
}

async function makeOne(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    const present = await stat(directory).catch(() => undefined);
    if (!present?.isDirectory()) throw error;
  }
}
