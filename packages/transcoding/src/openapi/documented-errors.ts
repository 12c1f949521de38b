import type { Code } from "@tenon/errors";
import { HTTP_STATUS } from "../error-response.ts";

/** What a call may fail with, as far as its contract tells. */
export interface DocumentedError {
  readonly status: number;
  readonly code: Code;
  /** For programs, in the order in which they are told. */
  readonly reasons: readonly string[];
}

/** Written in capitals for other things too, and no answer that a contract promises. */
const NO_ERRORS = ["OK", "CANCELLED", "UNKNOWN"];

/**
 * The errors that a comment names: a code, and the reasons after it, as in `NOT_FOUND (PRODUCT_NOT_FOUND)`. A reason is in
 * capitals and of several words.
 */
export function documentedErrors(comment: string): DocumentedError[] {
  const reasonsOf = new Map<Code, Set<string>>();
  let reasons: Set<string> | undefined;
  for (const [word] of comment.matchAll(/(?<![\w`])[A-Z]{2,}(?:_[A-Z]+)*(?![\w`])/g)) {
    if (Object.hasOwn(HTTP_STATUS, word) && !NO_ERRORS.includes(word)) {
      reasons = reasonsOf.get(word as Code) ?? new Set();
      reasonsOf.set(word as Code, reasons);
    } else if (word.includes("_")) reasons?.add(word);
  }
  return [...reasonsOf].map(([code, told]) => ({ status: HTTP_STATUS[code], code, reasons: [...told] }));
}
