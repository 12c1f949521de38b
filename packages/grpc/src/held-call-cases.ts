import { setTimeout as delay } from "node:timers/promises";
import type { CallHooks, Interceptor } from "./call.ts";
import type { Case } from "./call-cases.ts";
import { hooks } from "./call-scenario.ts";

// For tests: hooks that hold a call, and what ends it while they do.

const never = () => new Promise<void>(() => {});

/** A server's hooks under a deadline that its transport does not know. */
const tightened =
  (set: CallHooks): Interceptor =>
  (call) => ({
    ...set,
    onStart() {
      call.deadline = Math.min(call.deadline, Date.now() + 50);
      return set.onStart?.();
    },
  });

export const HELD_CASES: Record<string, Case> = {
  "client leaves while server onStart waits": {
    caller: "CANCELLED",
    scenario() {
      const controller = new AbortController();
      return {
        signal: controller.signal,
        serverHooks: (call) => ({
          onStart() {
            controller.abort();
            return new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
          },
        }),
      };
    },
  },
  "server onStart outlasts a deadline of its own": {
    caller: "DEADLINE_EXCEEDED",
    scenario: () => ({ serverHooks: tightened({ onStart: never }) }),
  },
  "server onReceive outlasts a deadline of its own": {
    caller: "DEADLINE_EXCEEDED",
    scenario: () => ({ serverHooks: tightened({ onReceive: never }) }),
  },
  "server onSend outlasts a deadline of its own": {
    caller: "DEADLINE_EXCEEDED",
    scenario: () => ({ serverHooks: tightened({ onSend: never }) }),
  },
  "client onStart takes its time": {
    caller: "OK",
    scenario: () => ({ clientHooks: hooks({ onStart: () => delay(5) }) }),
  },
  "client onStart outlasts the deadline": {
    caller: "DEADLINE_EXCEEDED",
    server: undefined,
    scenario: () => ({ timeoutMs: 20, clientHooks: hooks({ onStart: () => delay(60) }) }),
  },
  "client onSend outlasts the deadline": {
    caller: "DEADLINE_EXCEEDED",
    server: "any",
    scenario: () => ({ timeoutMs: 50, clientHooks: hooks({ onSend: never }) }),
  },
  "client onReceive outlasts the deadline": {
    caller: "DEADLINE_EXCEEDED",
    server: "any",
    scenario: () => ({ timeoutMs: 200, clientHooks: hooks({ onReceive: never }) }),
  },
  "client onReceive takes its time": {
    caller: "OK",
    scenario: () => ({ clientHooks: hooks({ onReceive: () => delay(3) }) }),
  },
};
