/** A name that was recorded, and its place among the others: a later one is larger. */
export interface RecordedName {
  readonly id: bigint;
  readonly name: string;
}

/** A message of a recording: a name, or the closing one with the number of those before it. */
export interface RecordingStep {
  readonly name: string;
  readonly last: boolean;
  readonly count: number;
}

/** Names in one recording. */
export const MAX_RECORDED_AT_ONCE = 10_000;
