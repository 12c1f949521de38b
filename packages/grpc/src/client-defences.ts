import { subscribe } from "node:diagnostics_channel";
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { ClientDefence, Defences } from "./defences.ts";
import { MessageFraming } from "./message-framing.ts";
import { defencesOf } from "./metadata.ts";
import type { WireStatus } from "./transport.ts";

// The client's defences (defences.ts): grpc-js shows the stream to nobody. Node does, on a diagnostics channel of the whole
// process, before grpc-js listens to it; so each call of ours carries a mark, and streams without it are left alone.
// Node has the channel since 22.17: on older ones the client works without these two defences.
// client-defences.test.ts shows each of them, and what grpc-js does without.

/** The code that the server sent, in the trailers that grpc-js is shown instead. */
const TRUE_CODE = "tenon-true-code";

let subscribed = false;

/** Looks at the streams of our calls from now on. */
export function defendClients(): void {
  if (subscribed) return;
  subscribed = true;
  subscribe("http2.client.stream.created", (event) => {
    const { stream, headers } = event as { stream: ClientHttp2Stream; headers: OutgoingHttpHeaders };
    const defences = defencesOf(headers);
    if (defences?.unreadMessages || defences?.brokenResponses) inspectResponse(stream, defences);
  });
}

/**
 * An error status makes grpc-js drop the messages that came before it and are not read yet. It delivers OK, and only OK,
 * behind them: so after a message every status looks like OK to it, and `trueStatusOf` brings the code back. (Its outlier
 * detection takes such a stream for a success.) And it takes a stream of responses that breaks off within a message for complete.
 */
function inspectResponse(stream: ClientHttp2Stream, defences: Defences<ClientDefence>): void {
  const framing = new MessageFraming();
  const push = stream.push;
  let received = false;
  let followed = true;
  let ended = false;
  let succeeded = false;
  const breaksOff = () => ended && succeeded && followed && framing.withinMessage && defences.brokenResponses;
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null) ended = true;
    else followed &&= framing.follow(chunk, true);
    received ||= chunk !== null;
    if (breaksOff()) stream.emit("trailers", { ...BROKEN_OFF }, 0);
    return push.call(stream, chunk, encoding);
  };
  // The end of the data comes before or after the trailers, as the reader is ahead or behind.
  stream.prependListener("trailers", (trailers: IncomingHttpHeaders) => {
    succeeded = trailers["grpc-status"] === "0";
    if (breaksOff()) Object.assign(trailers, BROKEN_OFF);
    const code = trailers["grpc-status"];
    if (!received || code === "0" || code === undefined || !defences.unreadMessages) return;
    trailers[TRUE_CODE] = code;
    trailers["grpc-status"] = "0";
  });
}

const BROKEN_OFF = { "grpc-status": "13", "grpc-message": "the response ends within a message" };

/** The status that the server sent, from what grpc-js tells. */
export function trueStatusOf(status: WireStatus): WireStatus {
  const code = status.metadata?.get(TRUE_CODE)[0];
  if (code === undefined || status.code !== 0) return status;
  status.metadata?.remove(TRUE_CODE);
  return { ...status, code: Number(code) };
}
