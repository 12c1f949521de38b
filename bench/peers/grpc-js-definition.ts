import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import type { ServiceDefinition } from "@grpc/grpc-js";

/** Methods of a service in grpc-js's terms, with the codec that our own server uses, so that peers differ in the server alone. */
export const toGrpcJsDefinition = ({ method, typeName }: DescService, names: readonly string[]): ServiceDefinition =>
  Object.fromEntries(
    names.map((localName) => {
      const { name, methodKind, input, output } = method[localName] as DescMethod;
      const definition = {
        path: `/${typeName}/${name}`,
        requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
        responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
        requestSerialize: encode(input),
        requestDeserialize: decode(input),
        responseSerialize: encode(output),
        responseDeserialize: decode(output),
      };
      return [localName, definition];
    }),
  );

const encode = (schema: DescMessage) => (message: Message) => {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};

const decode = (schema: DescMessage) => (bytes: Buffer) => fromBinary(schema, bytes);
