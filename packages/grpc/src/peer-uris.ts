import type { ServerTransportCall } from "./transport.ts";

const NONE: readonly string[] = Object.freeze([]);

/** By connection: Node decodes a certificate anew each time it is asked. */
const known = new WeakMap<object, readonly string[]>();

/** The URI names of the certificate that the client of a call has proved to hold; none without one. */
export function peerUrisOf(call: ServerTransportCall): readonly string[] {
  const { session } = (call as { stream?: { session?: object } }).stream ?? {};
  const found = session && known.get(session);
  if (found) return found;
  // grpc-js shows a certificate only where its chain holds.
  const uris = toUris(call.getAuthContext?.().sslPeerCertificate?.subjectaltname);
  if (session) known.set(session, uris);
  return uris;
}

/** One name of many: `URI:spiffe://tenon/order`; in quotes, as JSON, where it holds what could be taken for the next. */
const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)/y;

/** The URIs among a certificate's names as Node lists them. None of a list that is not wholly understood. */
function toUris(names = ""): readonly string[] {
  const uris: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < names.length) {
    const [, kind, value = ""] = NAME.exec(names) ?? [];
    if (kind === undefined) return NONE;
    if (kind === "URI") uris.push(value.startsWith('"') ? JSON.parse(value) : value);
  }
  return uris.length === 0 ? NONE : Object.freeze(uris);
}
