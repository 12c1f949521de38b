import * as greeterv1 from "@tenon/contracts/greeter/v1";
import {
  type Call,
  type CallOptions,
  type Client,
  createClient,
  createServer,
  type Implementation,
  type Interceptor,
} from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { implementPart } from "@tenon/testing";
import { onTestFinished } from "vitest";

export type GreeterClient = Client<typeof greeterv1.GreetingService>;

export interface GreeterFixture {
  server?: readonly Interceptor[];
  client?: readonly Interceptor[];
  /** Runs in every handler before it answers. */
  inHandler?: (call: Call) => unknown;
  /** By default in memory. */
  over?: "memory" | "port";
}

/** A greeter of all four kinds and a client of it, closed at the end of the test. */
export async function startGreeter({ server: interceptors = [], client = [], inHandler, over }: GreeterFixture = {}) {
  const server = createServer({ services: [greeter(inHandler ?? (() => {}))], interceptors });
  const target = over === "port" ? `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}` : server;
  const greetings = createClient(greeterv1.GreetingService, { target, interceptors: client });
  onTestFinished(async () => {
    greetings.close();
    await server.close({ graceMs: 100 });
  });
  return { server, target, greetings };
}

export const greeter = (inHandler: (call: Call) => unknown): Implementation =>
  implementPart(greeterv1.GreetingService, {
    async greet({ name }, call) {
      await inHandler(call);
      return { message: `Hello ${name}` };
    },
    async *listGreetings({ names }, call) {
      await inHandler(call);
      for (const name of names) yield { message: `Hello ${name}` };
    },
    async recordGreetings(requests, call) {
      await inHandler(call);
      return { count: (await collect(requests)).length };
    },
    async *chatGreetings(requests, call) {
      await inHandler(call);
      for await (const { name } of requests) yield { message: `Hello ${name}` };
    },
  });

/** All that an iterable yields. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of iterable) all.push(one);
  return all;
}

/** The four kinds, each with a call of `names` and how many messages go each way for two names. */
export const KINDS = [
  {
    kind: "unary",
    method: "Greet",
    requests: 1,
    responses: 1,
    invoke: (client: GreeterClient, options?: CallOptions, [name = ""] = NAMES): Promise<unknown> =>
      client.greet({ name }, options),
  },
  {
    kind: "server_stream",
    method: "ListGreetings",
    requests: 1,
    responses: 2,
    invoke: (client: GreeterClient, options?: CallOptions, names = NAMES): Promise<unknown> =>
      collect(client.listGreetings({ names }, options)),
  },
  {
    kind: "client_stream",
    method: "RecordGreetings",
    requests: 2,
    responses: 1,
    invoke: (client: GreeterClient, options?: CallOptions, names = NAMES): Promise<unknown> =>
      client.recordGreetings(
        names.map((name) => ({ name })),
        options,
      ),
  },
  {
    kind: "bidi_stream",
    method: "ChatGreetings",
    requests: 2,
    responses: 2,
    invoke: (client: GreeterClient, options?: CallOptions, names = NAMES): Promise<unknown> =>
      collect(
        client.chatGreetings(
          names.map((name) => ({ name })),
          options,
        ),
      ),
  },
] as const;

const NAMES = ["Ada", "Grace"];

export interface LogLine {
  level: string;
  message: string | undefined;
  facts: Record<string, unknown>;
}

/** A logger that keeps its lines. */
export function recordLog(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const createRecorder = (common: object): Logger => {
    const at = (level: string) => (facts: object, message?: string) =>
      void lines.push({ level, message, facts: { ...common, ...facts } });
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (facts) => createRecorder({ ...common, ...facts }),
    };
  };
  return { logger: createRecorder({}), lines };
}
