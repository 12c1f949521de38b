import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { fromCodeNumber, StatusError, toCodeNumber } from "@tenon/errors";
import {
  type Kind,
  MAX_MESSAGE_BYTES,
  manyIn,
  manyOut,
  request,
  requests,
  type StackCall,
  type StackOptions,
} from "./call-scenario.ts";
import { methodOf } from "./method.ts";
import { toClientInterceptor } from "./to-client-interceptor.ts";
import { toServerInterceptor } from "./to-server-interceptor.ts";

// For tests: a grpc-js application as others write it, with callbacks and streams, and our hooks in it.

const METHOD: Record<Kind, (typeof greeterv1.GreetingService.methods)[number]> = {
  unary: greeterv1.GreetingService.method.greet,
  server_stream: greeterv1.GreetingService.method.listGreetings,
  client_stream: greeterv1.GreetingService.method.recordGreetings,
  bidi_stream: greeterv1.GreetingService.method.chatGreetings,
};

function definitionOf(kind: Kind): grpc.MethodDefinition<Message, Message> {
  const desc = METHOD[kind];
  const encode = (schema: typeof desc.input | typeof desc.output) => (message: Message) =>
    Buffer.from(toBinary(schema, message));
  const decode = (schema: typeof desc.input | typeof desc.output) => (bytes: Buffer) => fromBinary(schema, bytes);
  return {
    ...methodOf(desc),
    requestSerialize: encode(desc.input),
    requestDeserialize: decode(desc.input),
    responseSerialize: encode(desc.output),
    responseDeserialize: decode(desc.output),
  };
}

export async function createNativeStack(options: StackOptions): Promise<StackCall> {
  const { kind, scenario, onError, onFinished } = options;
  const limits = { "grpc.max_receive_message_length": MAX_MESSAGE_BYTES };
  const server = new grpc.Server({ ...limits, interceptors: [toServerInterceptor(options.server, { onError })] });
  server.addService({ call: definitionOf(kind) }, { call: nativeHandler(options, onFinished) });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    ...limits,
    "grpc.use_local_subchannel_pool": 1,
    interceptors: [toClientInterceptor(options.client, { onError })],
  });
  return {
    invoke: () => nativeCall(client, kind, scenario),
    async close(graceMs) {
      client.close();
      const force = setTimeout(() => server.forceShutdown(), graceMs);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(force);
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: grpc-js has a type for each kind; this is one handler for all four.
function nativeHandler({ kind, scenario }: StackOptions, onFinished: () => void): any {
  const { output } = METHOD[kind];
  const reply = () => create(output, { message: "m".repeat(scenario.responseSize ?? 4), count: 4 } as never);
  const toServiceError = (error: unknown) => ({
    code: error instanceof StatusError ? toCodeNumber(error.code) : grpc.status.INTERNAL,
    details: (error as Error).message,
  });
  // biome-ignore lint/suspicious/noExplicitAny: grpc-js has a type for each kind; this is one handler for all four.
  return (call: any, callback: (error: unknown, response?: Message) => void) => {
    const controller = new AbortController();
    const signal = controller.signal;
    call.on("cancelled", () => controller.abort());
    const work = async () => {
      if (!manyIn(kind)) await scenario.handle?.({ signal });
      else for await (const _ of call.iterator({ destroyOnReturn: false })) await scenario.handle?.({ signal });
      if (manyOut(kind)) call.write(reply());
      await scenario.afterFirst?.({ signal });
      if (manyOut(kind)) call.write(reply());
    };
    work()
      .then(() => (manyOut(kind) ? call.end() : callback(null, reply())))
      .catch((error) => (manyOut(kind) ? call.emit("error", toServiceError(error)) : callback(toServiceError(error))))
      .finally(onFinished);
  };
}

async function* nativeCall(
  client: grpc.Client,
  kind: Kind,
  scenario: StackOptions["scenario"],
): AsyncIterable<unknown> {
  const { path, requestSerialize, responseDeserialize } = definitionOf(kind);
  const { input } = METHOD[kind];
  const { timeoutMs, signal } = scenario;
  const options: grpc.CallOptions = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  const metadata = new grpc.Metadata();
  const message = create(
    input,
    (kind === "server_stream" ? { names: [request(scenario).name] } : request(scenario)) as never,
  );
  const received: unknown[] = [];
  const ended = new Promise<grpc.StatusObject>((resolve) => {
    const callback = (_error: grpc.ServiceError | null, response?: unknown) => {
      if (response) received.push(response);
    };
    // biome-ignore lint/suspicious/noExplicitAny: grpc-js has a type for each kind; this is one caller for all four.
    let call: any;
    if (kind === "unary")
      call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, options, callback);
    else if (kind === "client_stream")
      call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, options, callback);
    else if (kind === "server_stream")
      call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, metadata, options);
    else call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
    call.on("status", (status: grpc.StatusObject) => setImmediate(resolve, status));
    call.on("error", () => {});
    call.on("data", (response: unknown) => {
      received.push(response);
      if (scenario.leave) call.cancel();
    });
    signal?.addEventListener("abort", () => call.cancel());
    if (manyIn(kind)) upload(call).catch((error) => call.destroy(error));
  });
  async function upload(call: grpc.ClientWritableStream<Message>): Promise<void> {
    for await (const one of requests(scenario)) call.write(create(input, one as never));
    call.end();
  }
  const status = await ended;
  yield* received;
  if (status.code !== 0) throw new StatusError(fromCodeNumber(status.code), status.details, { remote: true });
}
