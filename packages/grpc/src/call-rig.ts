import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { implementPart } from "@tenon/testing";
import type { Call, CallHooks, Interceptor } from "./call.ts";
import {
  type Kind,
  MAX_MESSAGE_BYTES,
  request,
  requests,
  type Scenario,
  type Stack,
  type StackCall,
  type StackOptions,
} from "./call-scenario.ts";
import { createClient, type Client as GreetingClient } from "./client.ts";
import { createNativeStack } from "./native-rig.ts";
import { createServer } from "./server.ts";

// For tests: one call of each kind, over each way a call can take, with everything seen that its ends say.

export interface Outcome {
  code: string;
  message: string;
  error: StatusError | undefined;
  received: number;
  /** `onEnd` of an outer and an inner hook set on each side, with what each was told. */
  clientEnds: string[];
  serverEnds: string[];
  /** How many of the four sets have completed `onStart`. */
  clientStarts: number;
  serverStarts: number;
  /** Handlers that ran to their end. */
  finished: number;
  reported: string[];
}

const createStack: Record<Stack, (options: StackOptions) => Promise<StackCall>> = {
  port: (options) => createBridgeStack(options, false),
  "in-process": (options) => createBridgeStack(options, true),
  native: createNativeStack,
};

/** Makes one call and waits until both sides have seen its end. */
export async function play(stack: Stack, kind: Kind, scenario: Scenario): Promise<Outcome> {
  const seen = { clientEnds: [] as string[], serverEnds: [] as string[], reported: [] as string[] };
  const starts = { client: 0, server: 0 };
  let finished = 0;
  const record = (call: Call): CallHooks => ({
    onStart: () => void starts[call.side]++,
    onEnd: ({ code }) => void (call.side === "client" ? seen.clientEnds : seen.serverEnds).push(code),
  });
  const chain = (hooks: Interceptor | undefined) => [record, ...(hooks ? [hooks] : []), record];
  const side = await createStack[stack]({
    kind,
    scenario,
    server: chain(scenario.serverHooks),
    client: chain(scenario.clientHooks),
    onError: (error) => void seen.reported.push((error as Error).message),
    onFinished: () => void finished++,
  });
  let received = 0;
  let error: StatusError | undefined;
  scenario.closeServer?.then(() => side.close(0));
  try {
    for await (const _ of side.invoke()) {
      received += 1;
      if (scenario.leave) break;
    }
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown;
    error = thrown;
  }
  await side.close(1000);
  const { code, message } = error ?? { code: "OK", message: "" };
  return {
    code,
    message,
    error,
    received,
    finished,
    clientStarts: starts.client,
    serverStarts: starts.server,
    ...seen,
  };
}

const response = ({ responseSize = 4 }: Scenario) => ({ message: "m".repeat(responseSize) });

async function createBridgeStack(options: StackOptions, inProcess: boolean): Promise<StackCall> {
  const { scenario, kind, onError, onFinished } = options;
  const finishing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } finally {
      onFinished();
    }
  };
  async function* answers(call: Call) {
    yield response(scenario);
    await scenario.afterFirst?.(call);
    yield response(scenario);
  }
  const server = createServer({
    maxReceiveMessageBytes: MAX_MESSAGE_BYTES,
    interceptors: options.server,
    onError,
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: (_request, call) =>
          finishing(async () => {
            await scenario.handle?.(call);
            await scenario.afterFirst?.(call);
            return response(scenario);
          }),
        async *listGreetings(_request, call) {
          try {
            await scenario.handle?.(call);
            yield* answers(call);
          } finally {
            onFinished();
          }
        },
        recordGreetings: (messages, call) =>
          finishing(async () => {
            for await (const _ of messages) await scenario.handle?.(call);
            await scenario.afterFirst?.(call);
            return { count: response(scenario).message.length };
          }),
        async *chatGreetings(messages, call) {
          try {
            let first = true;
            for await (const _ of messages) {
              await scenario.handle?.(call);
              yield response(scenario);
              if (first) await scenario.afterFirst?.(call);
              first = false;
            }
          } finally {
            onFinished();
          }
        },
      }),
    ],
  });
  const target = inProcess ? server : `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  const client = createClient(greeterv1.GreetingService, {
    target,
    interceptors: options.client,
    maxReceiveMessageBytes: MAX_MESSAGE_BYTES,
    onError,
  });
  return {
    invoke: () => callOf(client, kind, scenario),
    async close(graceMs) {
      client.close();
      await server.close({ graceMs, streamGraceMs: graceMs });
    },
  };
}

async function* callOf(client: GreetingClient<typeof greeterv1.GreetingService>, kind: Kind, scenario: Scenario) {
  const { timeoutMs, signal } = scenario;
  const options = { timeoutMs, signal };
  if (kind === "unary") yield await client.greet(request(scenario), options);
  else if (kind === "client_stream") yield await client.recordGreetings(requests(scenario), options);
  else if (kind === "server_stream") yield* client.listGreetings({ names: [request(scenario).name] }, options);
  else yield* client.chatGreetings(requests(scenario), options);
}
