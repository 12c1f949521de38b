import { type StatusError, toCodeNumber } from "@tenon/errors";

/** Close codes of RFC 6455, 7.4.1, that a server gives on its own account. */
export const CLOSE = { NORMAL: 1000, PROTOCOL_ERROR: 1002, UNSUPPORTED_DATA: 1003 } as const;

/** RFC 6455, 5.5: a control frame has 125 bytes, of which the code takes two. */
const MAX_REASON_BYTES = 123;

/**
 * The close code of a call that failed: 4000 and the number of its gRPC code, in the range that RFC 6455 leaves to
 * applications: 4003 is INVALID_ARGUMENT, 4016 UNAUTHENTICATED. One that ends well closes with 1000.
 */
export const closeCodeOf = ({ code }: StatusError): number => 4000 + toCodeNumber(code);

/** A message as the reason of a close: cut between two characters where it is too long. */
export function closeReason(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.byteLength <= MAX_REASON_BYTES) return message.toWellFormed();
  let end = MAX_REASON_BYTES;
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
