/** A guard of the money's promises, how it is switched off, and the tests that must turn red then. */
export interface Guard {
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly on: string;
  /** What stands there when the guard is off. */
  readonly off: string;
  /** A path as vitest takes it. */
  readonly tests: string;
}
