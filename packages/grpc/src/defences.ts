// Where grpc-js departs from gRPC or lets one client harm others, it is mended for the calls of this package alone. Each defence
// has a name, by which it can be left out, and a reason: what grpc-js does without it (defence-switches.test.ts shows that).

export const SERVER_DEFENCES = {
  resetLimits:
    "HTTP/2 ends a connection, with all of its calls, after 1,000 resets and then 33 a second; each expired deadline of a client is one",
  unknownMethods: "methods that the server does not have are answered before any interceptor: no log line, no count",
  contentType: "other methods than POST, and content types that only begin with `application/grpc`, are served",
  metadataLimit:
    "`maxMetadataBytes` is not kept: all that HTTP/2 lets through is taken, and what is more ends without a status",
  repeatedAuthorization: "of two `authorization` headers the first counts, though a proxy may have looked at the other",
  unknownEncoding:
    "an unknown `grpc-encoding` is refused with the first compressed message only, a plain one is served",
  timeouts:
    "a `grpc-timeout` of more than 24 days wraps around, often into the past, and a malformed one means something (`-1S` a second)",
  brokenFrames:
    "an upload that breaks off within a message is taken for complete, and a flag without an encoding for a plain message",
  cancelledUploads:
    "an upload that a Node client cancels looks complete; with the defence the end of each is held for 2 ms, so that the reset overtakes it",
} as const;

export const CLIENT_DEFENCES = {
  unreadMessages: "an error status discards the messages that came before it and are not read yet",
  brokenResponses: "a stream of responses that breaks off within a message is taken for complete",
  secondMessage: "a second message on a call with one response is never read, and the call hangs until its deadline",
} as const;

export type ServerDefence = keyof typeof SERVER_DEFENCES;
export type ClientDefence = keyof typeof CLIENT_DEFENCES;

/** Which are on. */
export type Defences<Name extends string> = Readonly<Record<Name, boolean>>;

/** All of these but some. Throws on one that there is not. */
export function defencesExcept<Name extends string>(
  reasons: Readonly<Record<Name, string>>,
  without: readonly Name[] = [],
): Defences<Name> {
  const unknown = without.find((name) => !Object.hasOwn(reasons, name));
  if (unknown !== undefined) {
    throw new Error(`withoutDefences names "${unknown}"; there are ${Object.keys(reasons).join(", ")}`);
  }
  const on = Object.keys(reasons).map((name) => [name, !without.includes(name as Name)]);
  return Object.fromEntries(on);
}
