import { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { fromCodeNumber, StatusError } from "@tenon/errors";
import { type HttpResponse, isWhole, type Outcome, type WholeBody } from "../http-message.ts";

/**
 * The answer, whose outcome is what it tells the client where no call has said so: Connect's own handlers refuse what is no
 * request of their protocols, and wherever answers have frames they do so behind a 200.
 */
export function toldOutcome(answer: HttpResponse & { readonly outcome: Outcome }): HttpResponse {
  const { body, headers, status, outcome } = answer;
  const note = (told: StatusError | undefined) => {
    if (told) outcome.error ??= told;
  };
  if (/^application\/(?:grpc-web|connect\+)/.test(headers["content-type"] ?? "")) {
    return { ...answer, body: noting(isWhole(body) ? [body] : body, note) };
  }
  if (status >= 400 && isWhole(body)) note(errorInJson(body.toString()));
  return answer;
}

const COMPRESSED = 0x01;
const CONNECT_END = 0x02;
const GRPC_WEB_TRAILERS = 0x80;
const HEAD_BYTES = 5;

/** Connect's handlers write frame by frame. The frame with the end is the last, and short enough not to be compressed but seldom. */
async function* noting(
  parts: AsyncIterable<WholeBody> | Iterable<WholeBody>,
  note: (told: StatusError | undefined) => void,
): AsyncGenerator<WholeBody> {
  for await (const part of parts) {
    const frame = Buffer.from(part as Uint8Array);
    const flags = frame[0] ?? COMPRESSED;
    if ((flags & COMPRESSED) === 0 && flags !== 0) {
      const text = frame.toString("utf8", HEAD_BYTES);
      if (flags === GRPC_WEB_TRAILERS) note(errorInTrailers(text));
      if (flags === CONNECT_END) note(errorInEnd(text));
    }
    yield part;
  }
}

function errorInTrailers(text: string): StatusError | undefined {
  const code = Number(/^grpc-status:\s*(\d+)/im.exec(text)?.[1] ?? 0);
  return code === 0 ? undefined : refusedByConnect(code);
}

const errorInEnd = (text: string) => errorOf(parsed(text).error);

const errorInJson = (text: string) => errorOf(parsed(text));

function errorOf(told: { code?: string } | undefined): StatusError | undefined {
  return told?.code === undefined ? undefined : refusedByConnect(codeFromString(told.code) ?? Code.Unknown);
}

/** What is compressed is no JSON: nothing is known of it then. */
function parsed(text: string): { code?: string; error?: { code?: string } } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** What the log says of it: Connect's own words may hold what was sent. */
export const REFUSED = "no request of the protocol";
const refusedByConnect = (code: number) => new StatusError(fromCodeNumber(code), REFUSED);
