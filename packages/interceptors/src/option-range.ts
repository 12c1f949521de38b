/** Bounds of a number among some options; by default from 1, at most what a timer or an array of sane size holds. */
export interface OptionRange {
  min?: number;
  max?: number;
  integer?: boolean;
}

/** About 24.8 days in milliseconds, the longest delay of a timer. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Throws where one of these options of `owner` is no number in this range, with its name: a limit that limits nothing, or
 * lets nobody in, stops the start and not the night's sleep. Those that are undefined pass.
 */
export function assertOptions(
  owner: string,
  options: Readonly<Record<string, number | undefined>>,
  { min = 1, max = MAX_TIMER_MS, integer = false }: OptionRange = {},
): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (value >= min && value <= max && (!integer || Number.isInteger(value))) continue;
    const kind = integer ? "a whole number" : "a number";
    throw new RangeError(`${owner}: ${name} must be ${kind} from ${min} to ${max}, not ${value}`);
  }
}
