import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, StatusError } from "@tenon/errors";
import { answer, type Interceptor } from "./call.ts";
import { hooks, type Kind, type Scenario, type Stack } from "./call-scenario.ts";

// For tests: everything that can end a call, and what each side then sees.

export interface Case {
  scenario(): Scenario;
  /** What the caller gets. */
  caller: Code;
  /** What the server's hooks are told, where that is another; undefined: the call never reached it, or ended there by chance either way. */
  server?: Code | undefined | "any";
  kinds?: readonly Kind[];
  stacks?: readonly Stack[];
  /** Errors that no caller can be told. */
  reported?: string[];
  message?: string;
}

const refusal = () => new StatusError("PERMISSION_DENIED", "no", { reason: "NO" });
const refuse = () => {
  throw refusal();
};
const OURS = ["port", "in-process"] as const;
/** Until the call is over, and at most a second. */
const untilEnded = async ({ signal }: { signal: AbortSignal }) => {
  if (!signal.aborted) await delay(1000, undefined, { signal }).catch(() => {});
};
const cached: Record<string, unknown> = {
  Greet: create(greeterv1.GreetResponseSchema, { message: "from a cache" }),
  ListGreetings: create(greeterv1.ListGreetingsResponseSchema, { message: "from a cache" }),
  RecordGreetings: create(greeterv1.RecordGreetingsResponseSchema, { count: 1 }),
  ChatGreetings: create(greeterv1.ChatGreetingsResponseSchema, { message: "from a cache" }),
};
const answers =
  (moment: "onStart" | "onReceive"): Interceptor =>
  ({ method }) => ({ [moment]: () => answer(cached[method.name]) });

export const CASES: Record<string, Case> = {
  "goes well": { caller: "OK", scenario: () => ({}) },
  "handler throws a StatusError": {
    caller: "NOT_FOUND",
    message: "no such name",
    scenario: () => ({
      handle() {
        throw new StatusError("NOT_FOUND", "no such name", { reason: "NAME_NOT_FOUND" });
      },
    }),
  },
  "handler throws something else": {
    caller: "INTERNAL",
    message: "internal error",
    stacks: OURS,
    scenario: () => ({
      handle() {
        throw new Error("password=hunter2");
      },
    }),
  },
  "handler rejects after its first response": {
    caller: "INTERNAL",
    stacks: OURS,
    scenario: () => ({ afterFirst: () => Promise.reject(new Error("late")) }),
  },
  "deadline passes in the handler": {
    caller: "DEADLINE_EXCEEDED",
    // Both measure it, and who is first cancels the other's call.
    server: "any",
    scenario: () => ({ timeoutMs: 600, afterFirst: untilEnded }),
  },
  "deadline is past at the start": { caller: "DEADLINE_EXCEEDED", server: "any", scenario: () => ({ timeoutMs: -1 }) },
  "client cancels": {
    caller: "CANCELLED",
    scenario() {
      const controller = new AbortController();
      return {
        signal: controller.signal,
        async afterFirst(call) {
          controller.abort();
          await untilEnded(call);
        },
      };
    },
  },
  "handler breaks once the caller has left": {
    caller: "CANCELLED",
    stacks: OURS,
    reported: ["a bug in what is cleaned up"],
    scenario() {
      const controller = new AbortController();
      return {
        signal: controller.signal,
        async afterFirst(call) {
          controller.abort();
          await untilEnded(call);
          throw new Error("a bug in what is cleaned up");
        },
      };
    },
  },
  "request is too large": { caller: "RESOURCE_EXHAUSTED", scenario: () => ({ requestSize: 20_000 }) },
  "response is too large": {
    caller: "RESOURCE_EXHAUSTED",
    server: "any",
    kinds: ["unary", "server_stream", "bidi_stream"],
    scenario: () => ({ responseSize: 20_000 }),
  },
  "caller leaves the responses": {
    caller: "OK",
    server: "CANCELLED",
    kinds: ["server_stream", "bidi_stream"],
    stacks: OURS,
    scenario: () => ({ leave: true, afterFirst: untilEnded }),
  },
  "caller's requests throw": {
    caller: "CANCELLED",
    server: "any",
    kinds: ["client_stream", "bidi_stream"],
    stacks: OURS,
    scenario: () => ({ betweenRequests: () => Promise.reject(new Error("mine")) }),
  },
  "server shuts down": {
    caller: "UNAVAILABLE",
    stacks: OURS,
    scenario() {
      const reached = Promise.withResolvers<void>();
      return {
        closeServer: reached.promise,
        async afterFirst(call) {
          reached.resolve();
          await untilEnded(call);
        },
      };
    },
  },

  "server onStart refuses": {
    caller: "PERMISSION_DENIED",
    message: "no",
    scenario: () => ({ serverHooks: hooks({ onStart: refuse }) }),
  },
  "server onStart refuses later": {
    caller: "PERMISSION_DENIED",
    scenario: () => ({ serverHooks: hooks({ onStart: () => delay(5).then(refuse) }) }),
  },
  "server onStart takes its time": {
    caller: "OK",
    scenario: () => ({ serverHooks: hooks({ onStart: () => delay(5) }) }),
  },
  "server onReceive refuses": {
    caller: "PERMISSION_DENIED",
    scenario: () => ({ serverHooks: hooks({ onReceive: refuse }) }),
  },
  "server onReceive refuses later": {
    caller: "PERMISSION_DENIED",
    scenario: () => ({ serverHooks: hooks({ onReceive: () => delay(5).then(refuse) }) }),
  },
  "server onSend refuses": {
    caller: "PERMISSION_DENIED",
    scenario: () => ({ serverHooks: hooks({ onSend: refuse }) }),
  },
  "server onSend takes its time": {
    caller: "OK",
    scenario: () => ({ serverHooks: hooks({ onSend: () => delay(3) }) }),
  },
  "server onSend refuses later": {
    caller: "PERMISSION_DENIED",
    scenario: () => ({ serverHooks: hooks({ onSend: () => delay(5).then(refuse) }) }),
  },
  "server hook throws something else": {
    caller: "INTERNAL",
    message: "internal error",
    scenario: () => ({
      serverHooks: hooks({
        onStart() {
          throw new Error("password=hunter2");
        },
      }),
    }),
  },
  "server run throws": {
    caller: "INTERNAL",
    scenario: () => ({
      serverHooks: hooks({
        run() {
          throw new Error("a bug in run");
        },
      }),
    }),
  },
  "server interceptor throws": {
    caller: "INTERNAL",
    scenario: () => ({
      serverHooks: () => {
        throw new Error("a bug in the interceptor");
      },
    }),
  },
  "server onEnd throws": {
    caller: "OK",
    reported: ["a bug in onEnd"],
    scenario: () => ({
      serverHooks: hooks({
        onEnd() {
          throw new Error("a bug in onEnd");
        },
      }),
    }),
  },
  "server onStart answers": {
    caller: "OK",
    scenario: () => ({ serverHooks: answers("onStart") }),
  },
  "server onReceive answers": {
    caller: "OK",
    scenario: () => ({ serverHooks: answers("onReceive") }),
  },

  "client onStart refuses": {
    caller: "PERMISSION_DENIED",
    server: undefined,
    scenario: () => ({ clientHooks: hooks({ onStart: refuse }) }),
  },
  "client onStart refuses later": {
    caller: "PERMISSION_DENIED",
    server: undefined,
    scenario: () => ({ clientHooks: hooks({ onStart: () => delay(5).then(refuse) }) }),
  },
  "client onSend refuses": {
    caller: "PERMISSION_DENIED",
    server: "any",
    scenario: () => ({ clientHooks: hooks({ onSend: refuse }) }),
  },
  "client onReceive refuses": {
    caller: "PERMISSION_DENIED",
    server: "any",
    scenario: () => ({ clientHooks: hooks({ onReceive: refuse }) }),
  },
  "client onStart answers": {
    caller: "OK",
    server: undefined,
    scenario: () => ({ clientHooks: answers("onStart") }),
  },
  "client onEnd throws": {
    caller: "OK",
    reported: ["a bug in onEnd"],
    scenario: () => ({
      clientHooks: hooks({
        onEnd() {
          throw new Error("a bug in onEnd");
        },
      }),
    }),
  },
};
