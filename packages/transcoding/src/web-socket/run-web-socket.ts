import type { Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { WebSocket } from "ws";
import { statusJson, toldError } from "../error-response.ts";
import { type Exchange, type ExchangeRules, reasonOf, requestOf } from "../http-exchange.ts";
import { assertNoQuery } from "../request-stream.ts";
import { CLOSE, closeCodeOf, closeReason } from "./close-code.ts";
import { createInbox } from "./inbox.ts";
import type { WebSocketCodec } from "./web-socket-codec.ts";

export interface RunWebSocketOptions {
  socket: WebSocket;
  exchange: Exchange;
  rules: ExchangeRules;
  codec: WebSocketCodec;
  /** Ends the call: the client has left. */
  leave(): void;
}

/** So much of what came is kept for a backend that is slower than its client; then the socket is not read. */
const INBOX = { maxMessages: 16, maxBytes: 64 * 1024 };

/**
 * Answers by a call, message for message, until it ends, and closes the socket with its status. An empty text message ends
 * the requests, for a WebSocket has no end of its own for one direction. An error is told by a last text message
 * `{"error": <google.rpc.Status>}` and by the close code. Resolves, with what went wrong, when the call has ended.
 */
export async function runWebSocket(options: RunWebSocketOptions): Promise<unknown> {
  const { socket, exchange, rules, codec, leave } = options;
  const { request, route, call } = exchange;
  const { methodKind } = route.method;
  const many = methodKind !== "server_streaming";
  let ended = false;
  const inbox = createInbox<Buffer>({ ...INBOX, onFull: () => socket.pause(), onRoom: () => socket.resume() });
  let refused: unknown;
  const refuse = (error: unknown) => {
    refused ??= error;
    inbox.fail(error);
    leave();
  };

  socket.on("message", (data, isBinary) => {
    const bytes = data as Buffer; // as its binaryType says
    const isEnd = !isBinary && bytes.byteLength === 0;
    if (refused !== undefined || socket.readyState !== socket.OPEN) return;
    if (ended || !many) refuse(new WebSocketRefusal("OUT_OF_ORDER"));
    else if (isEnd) inbox.end();
    else if (isBinary !== codec.binary) refuse(new WebSocketRefusal("WRONG_TYPE"));
    else inbox.put(bytes, bytes.byteLength);
    ended ||= isEnd;
  });
  socket.on("close", () => {
    inbox.close();
    leave();
  });

  async function* requests(): AsyncGenerator<Message> {
    try {
      for await (const data of inbox) yield codec.decode(data);
    } catch (error) {
      refused ??= error;
      throw error;
    }
  }

  try {
    if (many) assertNoQuery(exchange.query);
    const input = many ? requests() : await requestOf(exchange, rules);
    if (methodKind === "client_streaming") {
      await send(socket, codec.encode(await call(input, exchange.options)));
    } else {
      for await (const response of call(input, exchange.options) as AsyncIterable<Message>) {
        await send(socket, codec.encode(response));
      }
    }
    closeWith(CLOSE.NORMAL, "");
    return undefined;
  } catch (thrown) {
    const error = refused ?? reasonOf(request, thrown);
    if (error instanceof WebSocketRefusal) {
      closeWith(error.closeCode, error.message);
      return error;
    }
    const told = toldError(error);
    await send(socket, JSON.stringify({ error: statusJson(told) })).catch(() => {});
    closeWith(closeCodeOf(told), closeReason(told.message));
    return error;
  }

  function closeWith(code: number, reason: string): void {
    inbox.close();
    // The client's answer to the close is read, and whatever is before it passed over.
    socket.resume();
    socket.close(code, reason);
  }
}

/** A slow client holds the next message back. */
const send = (socket: WebSocket, data: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const gone = () => reject(new StatusError("CANCELLED", "the client has left"));
    if (socket.readyState !== socket.OPEN) gone();
    else socket.send(data, (error) => (error ? gone() : resolve()));
  });

const REFUSED = {
  OUT_OF_ORDER: [CLOSE.PROTOCOL_ERROR, "a message where there is none to come"],
  WRONG_TYPE: [CLOSE.UNSUPPORTED_DATA, "a message of the type that the subprotocol does not have"],
} as const;

/** A message that breaks the rules of the subprotocol, whatever it holds. */
class WebSocketRefusal extends StatusError {
  readonly closeCode: number;
  constructor(what: keyof typeof REFUSED) {
    const [closeCode, message] = REFUSED[what];
    super("INVALID_ARGUMENT", message, { reason: "MESSAGE_UNEXPECTED", domain: "http" });
    this.closeCode = closeCode;
  }
}
