import type { Operator } from "./operator.ts";

/** Something that an operator has the running platform do. Each may be repeated at any time. */
export interface Command {
  readonly name: string;
  /** For the list of all of them: what it does, in one line. */
  readonly summary: string;
  /** Whether words may follow its name; by default they are refused before anything is done. */
  readonly takesWords?: true;
  /**
   * Does it, and prints how far it is and what came of it. Resolves with false where it found what people have to look at.
   * Rejects with the status of a call that failed.
   */
  run(operator: Operator, args: readonly string[]): Promise<boolean>;
}

/** Wrong words after a command's name; the message tells the right ones. */
export class UsageError extends Error {}
