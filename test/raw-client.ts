import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

export interface RawCallOptions {
  /** Deadline from now, in milliseconds; by default 5 s. */
  timeoutMs?: number;
  /** An access token. */
  token?: string;
}

export interface RawClient {
  /** Calls a method of any kind with these requests, and gives all of its responses. Rejects with grpc-js's own error. */
  call<M extends DescMethod>(
    method: M,
    requests: readonly MessageInitShape<M["input"]>[],
    options?: RawCallOptions,
  ): Promise<MessageShape<M["output"]>[]>;
  /** Calls a method with one response. */
  one<M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    options?: RawCallOptions,
  ): Promise<MessageShape<M["output"]>>;
  /** The responses of a server stream as they come; leaving the loop cancels the call. */
  watch<M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    options?: RawCallOptions,
  ): AsyncIterable<MessageShape<M["output"]>>;
  close(): void;
}

/** A client made of grpc-js alone, as a program has it that knows the contracts and none of our packages. */
export function createRawClient(address: string): RawClient {
  const client = new Client(address, credentials.createInsecure());

  const call: RawClient["call"] = (method, requests, options) => {
    const args = [...codecOf(method), ...settings(options)] as const;
    const { promise, resolve, reject } = Promise.withResolvers<MessageShape<(typeof method)["output"]>[]>();
    const done = (error: Error | null, response?: MessageShape<(typeof method)["output"]>) =>
      error || response === undefined ? reject(error) : resolve([response]);
    const [first] = requests as readonly [MessageInitShape<(typeof method)["input"]>];
    switch (method.methodKind) {
      case "unary":
        client.makeUnaryRequest(...codecOf(method), first, ...settings(options), done);
        break;
      case "client_streaming":
        send(client.makeClientStreamRequest(...args, done), requests);
        break;
      case "server_streaming":
        resolve(Array.fromAsync(watch(method, first, options)));
        break;
      case "bidi_streaming": {
        const stream = client.makeBidiStreamRequest(...args);
        resolve(Array.fromAsync(stream));
        send(stream, requests);
      }
    }
    return promise;
  };

  async function* watch<M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    options?: RawCallOptions,
  ): AsyncGenerator<MessageShape<M["output"]>> {
    const stream = client.makeServerStreamRequest(...codecOf(method), request, ...settings(options));
    try {
      yield* stream;
    } finally {
      // Leaving the loop destroys the stream, and lets the call go on.
      stream.on("error", () => {}).cancel();
    }
  }

  return {
    call,
    watch,
    async one(method, request, options) {
      const [response] = await call(method, [request], options);
      if (response === undefined) throw new Error(`${method.name} ended without a response`);
      return response;
    },
    close: () => client.close(),
  };
}

/** The path of a method, and how its messages become bytes and come back. */
const codecOf = <M extends DescMethod>({ parent, name, input, output }: M) =>
  [
    `/${parent.typeName}/${name}`,
    (message: MessageInitShape<DescMessage>) => Buffer.from(toBinary(input, create(input, message))),
    (bytes: Buffer) => fromBinary(output, bytes) as MessageShape<M["output"]>,
  ] as const;

function settings({ timeoutMs = 5000, token }: RawCallOptions = {}) {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return [metadata, { deadline: Date.now() + timeoutMs }] as const;
}

function send(sink: { write(message: unknown): unknown; end(): unknown }, messages: readonly unknown[]): void {
  for (const message of messages) sink.write(message);
  sink.end();
}
