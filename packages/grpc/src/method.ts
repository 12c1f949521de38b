import { create, type DescMessage, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { Method } from "./call.ts";

/** The method of a descriptor. */
export const methodOf = (desc: DescMethod): Method => ({
  path: `/${desc.parent.typeName}/${desc.name}`,
  service: desc.parent.typeName,
  name: desc.name,
  requestStream: desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming",
  responseStream: desc.methodKind === "server_streaming" || desc.methodKind === "bidi_streaming",
  desc,
});

/** A method that is known by its path only. */
export function methodOfPath(path: string, requestStream: boolean, responseStream: boolean): Method {
  const [, service = "", name = ""] = path.split("/");
  return { path, service, name, requestStream, responseStream };
}

/** Messages of one side of a method as bytes. */
export interface Codec {
  encode(message: unknown): Buffer;
  decode(bytes: Uint8Array): unknown;
}

/** How a server (decodes requests, encodes responses) or a client (the other way round) treats a method's messages. */
export const codecOf = (decoded: DescMessage, encoded: DescMessage): Codec => ({
  decode: (bytes) => fromBinary(decoded, bytes),
  encode: (message) => {
    const bytes = toBinary(encoded, message as Message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
});

/** A message of a plain object; a message stays itself. */
export const toMessage = (desc: DescMessage, init: Message | object): Message =>
  "$typeName" in init ? (init as Message) : create(desc, init as never);
