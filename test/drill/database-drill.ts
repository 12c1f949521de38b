import { isUnavailable } from "./call-log.ts";
import type { Drilled } from "./drain-drills.ts";
import { type DrillRow, toRow } from "./drill-row.ts";

/** A restart of PostgreSQL itself, and a worker's longest pause. */
const RECOVERED_MOST_MS = 20_000;
const RECOVERY_LIMIT_MS = 120_000;

/**
 * PostgreSQL is shut down at once, as by its own restart, and comes back. Nobody holds what it had: calls may fail with
 * UNAVAILABLE, which says that they may be repeated, and with nothing else. Afterwards none fails.
 */
export async function restartDatabase({ platform, load }: Drilled): Promise<DrillRow> {
  const faults: string[] = [];
  const { services } = platform;
  const pid = await services.postgresPid();
  if (pid === undefined) throw new Error("PostgreSQL is not there");
  const end = load.measure();
  const startedMs = performance.now();
  process.kill(pid, "SIGINT");
  await load.answered(RECOVERY_LIMIT_MS);
  const recoveredMs = performance.now() - startedMs;
  const tally = end();
  if (recoveredMs > RECOVERED_MOST_MS) faults.push(`it took ${recoveredMs} ms until all were answered`);
  if ((await services.postgresPid()) === pid) faults.push("PostgreSQL was not restarted");
  const endAfter = load.measure();
  for (let round = 0; round < 2; round++) await load.answered(RECOVERY_LIMIT_MS);
  const after = endAfter();
  if (after.failed > 0) faults.push(`${after.failed} calls failed after everybody had been answered`);
  const seen = `all answered after ${(recoveredMs / 1000).toFixed(1)} s; what failed was told UNAVAILABLE`;
  return toRow({ drill: "PostgreSQL restarted", invariant: "63", seen }, tally, faults, isUnavailable);
}
