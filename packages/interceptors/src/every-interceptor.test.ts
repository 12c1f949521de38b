import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { join } from "node:path";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, StatusError } from "@tenon/errors";
import { type Call, createClient, type Interceptor, methodsOf } from "@tenon/grpc";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { greeter, KINDS, recordLog, startGreeter } from "./greeter-fixture.ts";
import { createTestKey } from "./identity/token-fixture.ts";
import {
  allBut,
  auth,
  circuitBreaker,
  clientAddress,
  createServiceTokens,
  deadline,
  loadShedding,
  logging,
  metrics,
  ofService,
  onlyFor,
  propagation,
  rateLimit,
  recovery,
  requestIdHeader,
  rpcMetrics,
  serverTiming,
  serviceToken,
  standardClient,
  standardServer,
  tracing,
  validation,
} from "./index.ts";
import { registerMetrics, registerTracing } from "./telemetry/telemetry-fixture.ts";

const METHODS = methodsOf([greeter(() => {})]);
const PLENTY = { perSecond: 1000, burst: 1000 };
const SIDES = ["server", "client"] as const;
const { logger } = recordLog();
const tokens = createServiceTokens({ name: "order", key: createTestKey("order").private });

/** Each as an application would have it, and the chains that they make; on the side where one does nothing, it does that. */
const INTERCEPTORS: Record<string, (side: "server" | "client") => Interceptor[]> = {
  auth: () => [auth({ methods: METHODS })],
  circuitBreaker: () => [circuitBreaker({ logger, registry: new Registry() })],
  clientAddress: () => [clientAddress({ trustedProxies: ["10.0.0.0/8"] })],
  deadline: () => [deadline()],
  loadShedding: () => [loadShedding({ registry: new Registry() })],
  logging: () => [logging(logger, { events: ["start", "payload", "finish"], slowMs: 1, sampleOk: 0.5 })],
  metrics: (side) => [metrics(new Registry(), { side, methods: METHODS })],
  propagation: () => [propagation()],
  rateLimit: () => [rateLimit({ classes: { read: PLENTY, write: PLENTY, credential: PLENTY } })],
  recovery: () => [recovery(logger, { registry: new Registry() })],
  requestIdHeader: () => [propagation(), requestIdHeader()],
  rpcMetrics: () => [rpcMetrics()],
  serverTiming: () => [serverTiming({ allow: () => true })],
  serviceToken: () => [serviceToken(tokens, "greeter")],
  "onlyFor and allBut": () => [
    onlyFor(ofService("greeter.v1.GreetingService"), deadline()),
    allBut(() => false, deadline()),
  ],
  tracing: () => [tracing()],
  validation: () => [validation({ methods: METHODS })],
  "all of them": (side) =>
    side === "server"
      ? standardServer({
          logger,
          registry: new Registry(),
          methods: METHODS,
          auth: {},
          requestIdHeader: true,
          serverTiming: { allow: () => true },
          trustedProxies: ["10.0.0.0/8"],
          loadShedding: {},
          rateLimits: { classes: { read: PLENTY, write: PLENTY } },
        })
      : standardClient({ logger, registry: new Registry(), circuitBreaker: {} }),
};

/** In a process with OpenTelemetry's SDK. */
const WITH_SDK: ReadonlySet<string> = new Set(["tracing", "rpcMetrics", "all of them"]);

/** They refuse what comes too late, so on a busy machine the call must have time to get past them. */
const REFUSING_LATE: ReadonlySet<string> = new Set(["deadline", "all of them"]);

interface Ending {
  code: Code;
  /** What the handler does; `leave` is the caller's way to cancel. */
  handle(call: Call, leave: () => void): unknown;
  timeoutMs?: number;
}

const untilEnded = ({ signal }: Call) => new Promise((resolve) => signal.addEventListener("abort", resolve));

const ENDINGS: Record<string, Ending> = {
  ok: { code: "OK", handle: () => {} },
  refused: {
    code: "FAILED_PRECONDITION",
    handle() {
      throw new StatusError("FAILED_PRECONDITION", "not now", { reason: "NOT_NOW" });
    },
  },
  thrown: {
    code: "INTERNAL",
    handle() {
      throw new Error("canary");
    },
  },
  deadline: { code: "DEADLINE_EXCEEDED", handle: untilEnded, timeoutMs: 30 },
  cancelled: {
    code: "CANCELLED",
    handle(call, leave) {
      leave();
      return untilEnded(call);
    },
  },
};

/** Sees what hooks before and after the interceptor see of the end. */
function createWitness() {
  const ends: Code[] = [];
  const ended = Promise.withResolvers<void>();
  let begun = false;
  const witness: Interceptor = () => ({
    onStart() {
      begun = true;
    },
    onEnd({ code }) {
      ends.push(code);
      ended.resolve();
    },
  });
  return { witness, ends, ended: ended.promise, hasBegun: () => begun };
}

for (const [name, create] of Object.entries(INTERCEPTORS)) {
  for (const side of SIDES) {
    describe(`${name} on a ${side}`, () => {
      for (const { kind, invoke } of KINDS) {
        for (const [ending, { code, handle, timeoutMs = 10_000 }] of Object.entries(ENDINGS)) {
          test(`a ${kind} call that ends ${ending} ends so for all who see it, and once`, async () => {
            if (WITH_SDK.has(name)) registerTracing();
            if (WITH_SDK.has(name)) registerMetrics();
            const outer = createWitness();
            const inner = createWitness();
            const server = createWitness();
            const leaving = new AbortController();
            const chain = [outer.witness, ...create(side), inner.witness];
            const { greetings } = await startGreeter({
              server: side === "server" ? [server.witness, ...chain] : [server.witness],
              client: side === "client" ? chain : [],
              inHandler: (call) => handle(call, () => leaving.abort()),
            });
            const timeout = REFUSING_LATE.has(name) ? timeoutMs * 10 : timeoutMs;
            const error = await invoke(greetings, { timeoutMs: timeout, signal: leaving.signal }).then(
              () => undefined,
              (error: unknown) => error as StatusError,
            );
            expect(error?.code ?? "OK").toBe(code);
            expect(error?.message ?? "").not.toContain("canary");
            expect(error?.reason).toBe(ending === "refused" ? "NOT_NOW" : undefined);
            // On a busy machine a deadline passes before the call gets to the server.
            const arrived = ending !== "deadline" || server.hasBegun();
            if (arrived) await server.ended;
            const atServer = arrived ? [code] : [];
            const inChain = side === "client" ? [code] : atServer;
            expect([server.ends, outer.ends, inner.ends]).toEqual([atServer, inChain, inChain]);
          });
        }
      }
    });
  }
}

/** A peer that accepts connections and says nothing, until the end of the test. */
async function startSilentPeer(): Promise<string> {
  const sockets = new Set<Socket>();
  const peer = createNetServer((socket) => void sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    peer.close();
  });
  return `127.0.0.1:${(peer.address() as AddressInfo).port}`;
}

/** Begins a call on this port and says no more; resolves with the status that the server gives in the end. */
async function beginCall(port: number, path: string): Promise<unknown> {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", "grpc-timeout": "40m" };
  const call = session.request(headers, { endStream: false });
  const seen: IncomingHttpHeaders = {};
  for (const event of ["response", "trailers"] as const) call.on(event, (received) => Object.assign(seen, received));
  call.resume();
  await once(call, "end"); // its own side stays open
  return seen["grpc-status"];
}

for (const [name, create] of Object.entries(INTERCEPTORS)) {
  for (const { kind, method, invoke } of KINDS) {
    test(`${name} on a client: a ${kind} call to a peer that says nothing ends at its deadline, once`, async () => {
      const outer = createWitness();
      const inner = createWitness();
      const target = await startSilentPeer();
      const interceptors = [outer.witness, ...create("client"), inner.witness];
      const client = createClient(greeterv1.GreetingService, { target, interceptors });
      onTestFinished(() => client.close());
      await expect(invoke(client, { timeoutMs: 40 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
      expect([outer.ends, inner.ends]).toEqual([["DEADLINE_EXCEEDED"], ["DEADLINE_EXCEEDED"]]);
    });

    test(`${name} on a server: a ${kind} call whose caller says no more ends at its deadline, once`, async () => {
      const outer = createWitness();
      const inner = createWitness();
      const { target } = await startGreeter({
        over: "port",
        server: [outer.witness, ...create("server"), inner.witness],
        inHandler: untilEnded,
      });
      const port = Number(String(target).split(":")[1]);
      expect(await beginCall(port, `/greeter.v1.GreetingService/${method}`)).toBe("4");
      expect([outer.ends, inner.ends]).toEqual([["DEADLINE_EXCEEDED"], ["DEADLINE_EXCEEDED"]]);
    });
  }
}

test("the table above has every interceptor that there is", () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.includes(".test."),
  );
  const texts = files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n");
  const functions = texts.matchAll(/^export function (\w+)\([\s\S]*?\)(?:: (.+))? \{$/gm);
  const there = [...functions].flatMap(([, name = "", result]) => (result === "Interceptor" ? [name] : []));
  expect(there.length).toBeGreaterThan(15);
  expect(new Set([...there, "onlyFor and allBut", "all of them"])).toEqual(
    new Set([...Object.keys(INTERCEPTORS), "onlyFor"]),
  );
});
