import { type Code, StatusError } from "@tenon/errors";
import { type CallStatus, type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { Gauge, type Registry } from "prom-client";
import { assertOptions } from "../option-range.ts";
import { perMethod } from "../per-method.ts";
import { methodLabels } from "../telemetry/method-labels.ts";
import { type Breaker, type BreakerState, createBreaker, type Outcome, type Pass } from "./breaker.ts";

export interface CircuitBreakerOptions {
  /** Opens when this share of the calls in the window failed, from 0 to 1; by default a half. */
  failureRatio?: number;
  /** Fewer calls in the window prove nothing; by default 20. */
  minCalls?: number;
  /** How far back calls count; by default 10 s. */
  windowMs?: number;
  /** How long it first stays open, give or take a fifth; by default 5 s. Doubles each time it opens again, up to `maxOpenMs`. */
  openMs?: number;
  /** The longest it stays open; by default one minute. */
  maxOpenMs?: number;
  /** Calls let through at once to find out whether the callee has recovered; by default 1. */
  probes?: number;
  /** Closes after this many of them succeed in a row; by default 3. */
  closeAfter?: number;
  /** A call with less time than this does not count when it misses its deadline; by default 100 ms. */
  minTimeoutMs?: number;
  /** Hears of each change. */
  logger?: Logger;
  /** Where `grpc_client_circuit_state` is shown, once for each client: 0 closed, 1 half-open, 2 open. */
  registry?: Registry;
  nowMs?: () => number;
  random?: () => number;
}

/** How a callee that is unwell answers, or what its silence becomes. Every other code is an answer. */
const FAILURES: ReadonlySet<Code> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "DATA_LOSS"]);

/**
 * Refuses a client's calls of a method at once while that method keeps failing: UNAVAILABLE with reason CIRCUIT_OPEN and
 * when to try again. Only the callee's failures count, never its answers (NOT_FOUND, RESOURCE_EXHAUSTED), what the caller
 * cancels, or what this side ends. A stream has succeeded with its first message. Make one for each client, because it
 * judges one target. It sees a call with all its attempts: retries are the channel's.
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): Interceptor {
  const { failureRatio = 0.5, minCalls = 20, windowMs = 10_000, openMs = 5000, maxOpenMs = 60_000 } = options;
  const { probes = 1, closeAfter = 3, minTimeoutMs = 100, logger, registry } = options;
  const { nowMs = () => performance.now(), random = Math.random } = options;
  assertOptions("circuitBreaker", { failureRatio }, { min: 0.01, max: 1 });
  assertOptions("circuitBreaker", { minCalls, probes, closeAfter }, { max: 1_000_000, integer: true });
  assertOptions("circuitBreaker", { windowMs, openMs }, { min: 10, max: 3_600_000 });
  assertOptions("circuitBreaker", { maxOpenMs }, { min: openMs, max: 86_400_000 });
  assertOptions("circuitBreaker", { minTimeoutMs }, { min: 0 });
  const show = registry && stateGauge(registry);
  const breakerOf = perMethod((method): Breaker => {
    const onChange = (state: BreakerState) => {
      show?.(method, state);
      const facts = { "grpc.service": method.service, "grpc.method": method.name, state };
      logger?.[state === "open" ? "warn" : "info"](facts, `circuit ${state}`);
    };
    show?.(method, "closed");
    const limits = { failureRatio, minCalls, windowMs, openMs, maxOpenMs, probes, closeAfter };
    return createBreaker({ ...limits, nowMs, random, onChange });
  });

  return function circuitBreaker(call) {
    if (call.side === "server") return NO_HOOKS;
    let tell: Pass | undefined;
    let givenMs = 0;
    return {
      onStart() {
        const entry = breakerOf(call.method).enter();
        if (typeof entry === "number") throw circuitOpen(entry);
        tell = entry;
        givenMs = call.deadline - Date.now();
      },
      onReceive() {
        if (call.method.responseStream) tell?.("success");
      },
      onEnd(status) {
        tell?.(outcomeOf(status, givenMs >= minTimeoutMs));
      },
    };
  };
}

function outcomeOf({ code, error }: CallStatus, hadTime: boolean): Outcome {
  if (code === "CANCELLED" || error !== undefined) return "neutral"; // of this side's doing
  if (code === "DEADLINE_EXCEEDED" && !hadTime) return "neutral";
  return FAILURES.has(code) ? "failure" : "success";
}

const circuitOpen = (retryDelayMs: number): StatusError =>
  new StatusError(
    "UNAVAILABLE",
    "what answers this call has failed too often of late, and is left alone for now: try again later",
    { reason: "CIRCUIT_OPEN", retryDelayMs },
  );

const STATE_VALUES: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };

function stateGauge(registry: Registry): (method: Method, state: BreakerState) => void {
  const name = "grpc_client_circuit_state";
  const help = "Whether calls of a method are let through: 0 closed, 1 half-open, 2 open.";
  const registered = registry.getSingleMetric(name);
  const gauge =
    registered instanceof Gauge
      ? registered
      : new Gauge({ name, help, labelNames: ["grpc_service", "grpc_method"], registers: [registry] });
  return (method, state) => {
    const { grpc_service, grpc_method } = methodLabels(method);
    gauge.set({ grpc_service, grpc_method }, STATE_VALUES[state]);
  };
}
