import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { Exchange, ExchangeRules } from "../http-exchange.ts";
import { messageOfText } from "../request-stream.ts";

/** How the messages of a call are written into those of a WebSocket. */
export interface WebSocketCodec {
  readonly binary: boolean;
  encode(message: Message): string | Uint8Array;
  /** Throws INVALID_ARGUMENT. */
  decode(data: Buffer): Message;
}

const PROTO = "transcoding.v1+proto";

/** The subprotocols; without one it is JSON. */
export const PROTOCOLS: readonly string[] = ["transcoding.v1+json", PROTO];

/** JSON as in all of REST, in text messages; or protobuf, in binary ones. */
export const webSocketCodec = (protocol: string, exchange: Exchange, rules: ExchangeRules): WebSocketCodec =>
  protocol === PROTO ? protoCodec(exchange) : jsonCodec(exchange, rules);

const jsonCodec = ({ route }: Exchange, { write, mapping }: ExchangeRules): WebSocketCodec => ({
  binary: false,
  encode: (message) => write(route, message),
  decode: (data) => messageOfText(route, data.toString("utf8"), mapping),
});

const protoCodec = ({ route: { method } }: Exchange): WebSocketCodec => ({
  binary: true,
  encode: (message) => toBinary(method.output, message),
  decode(data) {
    try {
      return fromBinary(method.input, data);
    } catch (cause) {
      const what = `a message is no ${method.input.typeName}`;
      throw new StatusError("INVALID_ARGUMENT", what, { reason: "REQUEST_INVALID", cause });
    }
  },
});
