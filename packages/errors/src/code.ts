/** The status codes of gRPC by name; the index is the number on the wire (grpc/doc/statuscodes.md). */
export const CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

export type Code = (typeof CODES)[number];

const NUMBERS = new Map(CODES.map((name, number) => [name, number]));

/** The number of a code on the wire. */
export const toCodeNumber = (code: Code): number => NUMBERS.get(code) as number;

/** The code of a number; numbers that gRPC does not know are UNKNOWN, as its specification asks. */
export const fromCodeNumber = (number: number): Code => CODES[number] ?? "UNKNOWN";
