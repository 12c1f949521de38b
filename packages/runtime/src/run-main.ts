import type { Logger } from "@tenon/logger";

export interface RunMainOptions {
  /** Where errors go that end the process; by default standard output, at level info. */
  logger?: Logger;
}

/** What runs until it is told to end. */
export interface Running {
  close(): Promise<void>;
}

/**
 * A whole process: `runMain("user", async () => startUser({ config: readUserConfig(), logger }))`. SIGTERM and SIGINT
 * drain it and exit 0, a second one exits 1 at once. A ConfigError or StartError is told in its own words on standard
 * error, with exit 1. `stop` aborts when a signal comes before the start is over.
 */
export declare function runMain(
  name: string,
  start: (stop: AbortSignal) => Promise<Running>,
  options?: RunMainOptions,
): Promise<void>;
