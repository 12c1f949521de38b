import { ConfigError } from "@tenon/config";
import { StartError } from "@tenon/errors";
import { createLogger, type Logger } from "@tenon/logger";
import { settlesWithin } from "./drain.ts";
import { readTelemetryConfig, type StopTelemetry, startTelemetry } from "./telemetry.ts";

export interface RunMainOptions {
  /** Where faults are told; by default standard output, at level info. */
  logger?: Logger;
  /**
   * Reads the configuration and what it names, and throws what is wrong with it. With telemetry's own variables that is all that
   * `--check-config` on the command line does: it must not connect to anything.
   */
  checkConfig?: () => unknown;
  /** Longest time for `start` to give up after a signal, and for `close`; by default 2 minutes. */
  limitMs?: number;
}

/** What runs until it is told to end. */
export interface Running {
  close(): Promise<void>;
}

/**
 * A whole process: `runMain("user", async () => startUser({ config: readUserConfig(), logger }))`. SIGTERM and SIGINT
 * drain it, send the telemetry that is left and exit 0; a second one exits 1 at once. A ConfigError or StartError is told in its own words on standard
 * error, with exit 1. `stop` aborts when a signal comes before the start is over.
 *
 * An exception or rejection that nothing caught is a bug, after which nobody knows what still holds: it is logged, and
 * the process exits 1, so that whoever watches it sees it and starts a sound one. It drains first, because the other
 * calls in flight are not to blame.
 */
export async function runMain(
  name: string,
  start: (stop: AbortSignal) => Promise<Running>,
  { logger = createLogger({ name }), limitMs = 120_000, checkConfig }: RunMainOptions = {},
): Promise<void> {
  const stop = new AbortController();
  const told = Promise.withResolvers<void>();
  let running: Running | undefined;
  let stopTelemetry: StopTelemetry | undefined;
  let exitCode = 0;

  function end(): void {
    stop.abort();
    told.resolve();
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      logger.info({ signal }, "draining; a second signal ends at once");
      end();
    });
  }
  for (const fault of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(fault, (err: unknown) => {
      exitCode = 1;
      logger.error({ err }, fault === "uncaughtException" ? "uncaught exception" : "unhandled rejection");
      // Nothing is served yet that would have to be drained.
      if (running === undefined) process.exit(1);
      end();
    });
  }

  try {
    if (checkConfig && process.argv.includes("--check-config")) {
      readTelemetryConfig();
      await checkConfig();
      process.stdout.write(`${name}: the configuration can be used\n`);
      process.exit(0);
    }
    const starting = (async () => {
      stopTelemetry = await startTelemetry({ name, logger });
      running = await start(stop.signal);
    })();
    await Promise.race([starting, told.promise.then(() => settlesWithin(limitMs, () => starting))]);
  } catch (error) {
    // A start that was told to stop has failed as it was asked to.
    if (stop.signal.aborted) process.exit(exitCode);
    tellStartError(name, error, logger);
    process.exit(1);
  }
  await told.promise;
  try {
    const closed = await settlesWithin(limitMs, async () => running?.close());
    if (!closed) exitCode = 1;
  } catch (err) {
    logger.error({ err }, "the drain failed");
    exitCode = 1;
  }
  // Last, with the spans of the drain itself. A collector that is down must not hold the process.
  await settlesWithin(FLUSH_MS, async () => stopTelemetry?.()).catch((err) =>
    logger.warn({ err }, "telemetry is lost"),
  );
  process.exit(exitCode);
}

const FLUSH_MS = 3000;

function tellStartError(name: string, error: unknown, logger: Logger): void {
  if (error instanceof ConfigError || error instanceof StartError) {
    for (const line of error.message.split("\n")) process.stderr.write(`${name}: ${line}\n`);
  } else {
    logger.error({ err: error }, "the start failed");
  }
}
