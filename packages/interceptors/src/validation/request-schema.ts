import { type DescMessage, fromBinary, type Message, type Registry } from "@bufbuild/protobuf";
import type { Method } from "@tenon/grpc";

/**
 * A service as grpc-js knows it, by proto-loader or generated stubs: what `addService` takes. It tells how a request that is no
 * message of protobuf-es becomes bytes again.
 */
export type NativeDefinition = Readonly<
  Record<string, { readonly path: string; requestSerialize(message: never): Uint8Array }>
>;

export interface RequestSchemas {
  /** Descriptors of methods that come without one: `createFileRegistry` of what `buf build` or `protoc` wrote. */
  registry?: Registry | undefined;
  /** Needed with messages that are not of protobuf-es. */
  definitions?: readonly NativeDefinition[] | undefined;
}

/** What a method's requests must be, and how one is read as a message of protobuf-es. */
export interface RequestSchema {
  readonly input: DescMessage;
  /** Throws where that cannot be told. */
  toMessage(request: unknown): Message;
}

/** The schema of a method's requests: by its own descriptor, else by the registry; undefined where neither has it. */
export function requestSchema(
  method: Method,
  { registry, definitions = [] }: RequestSchemas,
): RequestSchema | undefined {
  const desc = method.desc ?? registry?.getService(method.service)?.methods.find(({ name }) => name === method.name);
  if (desc === undefined) return undefined;
  const { input } = desc;
  const native = definitions.flatMap((each) => Object.values(each)).find(({ path }) => path === method.path);
  return {
    input,
    toMessage(request) {
      if (isMessage(request)) return request;
      if (native === undefined)
        throw new Error(`definitions do not have ${method.path}, so its requests cannot be read`);
      return fromBinary(input, native.requestSerialize(request as never));
    },
  };
}

const isMessage = (request: unknown): request is Message =>
  typeof request === "object" && request !== null && "$typeName" in request;
