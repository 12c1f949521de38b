import { access, constants, mkdir } from "node:fs/promises";
import { StartError } from "@tenon/errors";
import { systemReason } from "./system-reason.ts";

/** Makes the directory where it is missing. Throws a StartError where nothing can be kept in it. */
export async function makeDataDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = systemReason(error);
    throw new StartError(`nothing can be kept in ${directory} (${reason}): set DATA_DIR to a directory of yours`, {
      cause: error,
    });
  }
}
