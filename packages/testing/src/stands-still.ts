import { setImmediate as turn } from "node:timers/promises";

/**
 * A count once it grows no more: for so many turns of the event loop in which all that could raise it runs, in this process.
 * For what must be held back; it waits as long as the count grows.
 */
export async function standsStill(count: () => number): Promise<number> {
  let last = count();
  for (let still = 0; still < 200; still++) {
    await turn();
    if (count() !== last) still = 0;
    last = count();
  }
  return last;
}
