import * as grpc from "@grpc/grpc-js";
import { type Interceptor, type Method, toClientInterceptor, toServerInterceptor } from "@tenon/grpc";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { recordLog } from "./greeter-fixture.ts";
import {
  auth,
  circuitBreaker,
  clientAddress,
  deadline,
  loadShedding,
  logging,
  metrics,
  propagation,
  rateLimit,
  recovery,
  requestIdHeader,
  rpcMetrics,
  serverTiming,
  tracing,
  validation,
} from "./index.ts";

// An application of grpc-js as others write it: callbacks and streams, messages that are text, no descriptor of ours.

const PATH = "/plain.Echo/Call";
const KINDS = {
  unary: [false, false],
  server_stream: [false, true],
  client_stream: [true, false],
  bidi_stream: [true, true],
} as const;
type Kind = keyof typeof KINDS;

const methodOf = (kind: Kind): Method => {
  const [requestStream, responseStream] = KINDS[kind];
  return { path: PATH, service: "plain.Echo", name: "Call", requestStream, responseStream };
};
const toBytes = (text: string) => Buffer.from(text);
const toText = (bytes: Buffer) => bytes.toString();
const definitionOf = (kind: Kind): grpc.MethodDefinition<string, string> => ({
  ...methodOf(kind),
  requestSerialize: toBytes,
  requestDeserialize: toText,
  responseSerialize: toBytes,
  responseDeserialize: toText,
});

const REFUSAL = { code: grpc.status.FAILED_PRECONDITION, details: "not now" };

/** Echoes, or refuses what begins with "no". */
// biome-ignore lint/suspicious/noExplicitAny: grpc-js has a type for each kind; this is one handler for all four
const handlerOf = (kind: Kind) => (call: any, callback: (error: object | null, response?: string) => void) => {
  const [requestStream, responseStream] = KINDS[kind];
  const answer = (requests: readonly string[]) => {
    const refused = requests[0]?.startsWith("no");
    if (!responseStream) return refused ? callback(REFUSAL) : callback(null, requests.join(" "));
    if (refused) return call.emit("error", REFUSAL);
    for (const request of requests) call.write(request);
    call.end();
  };
  if (!requestStream) return answer([call.request]);
  const requests: string[] = [];
  call.on("data", (request: string) => requests.push(request));
  call.on("end", () => answer(requests));
};

async function startEcho(
  kind: Kind,
  { server = [], client = [] }: Partial<Record<"server" | "client", Interceptor[]>>,
) {
  const echo = new grpc.Server({ interceptors: [toServerInterceptor(server)] });
  echo.addService({ call: definitionOf(kind) }, { call: handlerOf(kind) });
  const port = await new Promise<number>((resolve, reject) =>
    echo.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const stub = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    interceptors: [toClientInterceptor(client)],
  });
  onTestFinished(() => {
    stub.close();
    echo.forceShutdown();
  });
  /** Says some words; resolves with the code and what came back. */
  return (words: readonly string[]) =>
    new Promise<{ code: number; received: string[] }>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = definitionOf(kind);
      const received: string[] = [];
      const callback = (_: unknown, response?: string) => void (response && received.push(response));
      const [requestStream, responseStream] = KINDS[kind];
      const options = { deadline: Date.now() + 10_000 };
      const metadata = new grpc.Metadata();
      // biome-ignore lint/suspicious/noExplicitAny: grpc-js has a type for each kind; this is one caller for all four
      const make = stub as any;
      const name = `make${requestStream ? (responseStream ? "BidiStream" : "ClientStream") : responseStream ? "ServerStream" : "Unary"}Request`;
      const first = requestStream ? [] : [words.join(" ")];
      const last = responseStream ? [] : [callback];
      const call = make[name](path, requestSerialize, responseDeserialize, ...first, metadata, options, ...last);
      call.on("data", (response: string) => received.push(response));
      call.on("error", () => {});
      call.on("status", ({ code }: grpc.StatusObject) => setImmediate(() => resolve({ code, received })));
      if (!requestStream) return;
      for (const word of words) call.write(word);
      call.end();
    });
}

const { logger, lines } = recordLog();
const PLENTY = { perSecond: 1000, burst: 1000 };
const INTERCEPTORS: Record<string, (side: "server" | "client", methods: Method[]) => Interceptor> = {
  auth: (_, methods) => auth({ methods, access: { "plain.Echo": ["public"] } }),
  circuitBreaker: () => circuitBreaker(),
  clientAddress: () => clientAddress({ trustedProxies: [] }),
  deadline: () => deadline(),
  loadShedding: () => loadShedding(),
  logging: () => logging(logger, { events: ["start", "payload", "finish"] }),
  metrics: (side, methods) => metrics(new Registry(), { side, methods }),
  propagation: () => propagation(),
  rateLimit: (_, methods) => rateLimit({ classes: { write: PLENTY }, methods }),
  recovery: () => recovery(logger),
  requestIdHeader: () => requestIdHeader(),
  rpcMetrics: (_, methods) => rpcMetrics({ methods }),
  serverTiming: () => serverTiming(),
  tracing: (_, methods) => tracing({ methods }),
  validation: (_, methods) => validation({ methods, unchecked: ["plain.Echo"] }),
};

for (const kind of Object.keys(KINDS) as Kind[]) {
  describe(`a ${kind} call of an application on plain grpc-js`, () => {
    for (const [name, create] of Object.entries(INTERCEPTORS)) {
      for (const side of ["server", "client"] as const) {
        test(`passes ${name} on the ${side}, refusals too`, async () => {
          const say = await startEcho(kind, { [side]: [create(side, [methodOf(kind)])] });
          const { code, received } = await say(["good", "day"]);
          expect([code, received.join(" ")]).toEqual([grpc.status.OK, "good day"]);
          expect(await say(["no"])).toEqual({ code: REFUSAL.code, received: [] });
        });
      }
    }
  });
}

test("a budget that is spent, and who may not call, are refused there too", async () => {
  const budget = await startEcho("unary", {
    server: [rateLimit({ limits: { [PATH]: { perSecond: 0.001, burst: 1 } } })],
  });
  expect([(await budget(["a"])).code, (await budget(["a"])).code]).toEqual([
    grpc.status.OK,
    grpc.status.RESOURCE_EXHAUSTED,
  ]);
  const closed = await startEcho("unary", { server: [auth({ access: { [PATH]: ["admin"] } })] });
  expect((await closed(["a"])).code).toBe(grpc.status.UNAUTHENTICATED);
});

test("a method that has neither descriptor nor rule stops the start, by name", () => {
  expect(() => auth({ methods: [methodOf("unary")] })).toThrow(`auth: ${PATH} has no descriptor`);
});

test("messages without a descriptor are not shown in lines", () => {
  const contents = lines.flatMap(({ facts }) => facts["grpc.request.content"] ?? []);
  expect(new Set(contents)).toEqual(new Set(["[not shown: no descriptor]"]));
});
