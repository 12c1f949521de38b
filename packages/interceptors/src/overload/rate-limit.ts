import { create, getOption } from "@bufbuild/protobuf";
import { anyPack, MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { StatusError } from "@tenon/errors";
import { type Call, type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import { QuotaFailureSchema } from "@tenon/options/google/rpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { clientAddressOf } from "../client-address.ts";
import { principalOf } from "../identity/principal.ts";
import { HEALTH } from "../infrastructure.ts";
import { assertOptions } from "../option-range.ts";
import { perMethod } from "../per-method.ts";
import { addressGroup } from "./address-group.ts";
import { createTokenBuckets, type Rate } from "./token-bucket.ts";

/** The rate classes of contracts (`tenon.options.v1.RateClass`). */
export type RateClass = "read" | "write" | "credential";

export interface RateLimitOptions {
  /** What one caller may do of each class; a class that is not named is not limited. */
  classes?: Partial<Record<RateClass, Rate>>;
  /** Methods, or all of a service together, with a budget of their own: `{ "/pkg.Service/Method": {...} }`. */
  limits?: Readonly<Record<string, Rate>>;
  /** What is served: a limit for what is none of it stops the start. */
  methods?: readonly Method[];
  /**
   * Whose budget a call draws from; nobody's where it returns undefined. By default a user's, or for callers without a
   * token their address's (see `clientAddress`; of IPv6 the /64). Services are not limited: they act for users who are.
   */
  keyOf?: (call: Call) => string | undefined;
  /** How many callers' budgets are remembered; by default 100,000, some 20 MB. */
  maxKeys?: number;
  /** Milliseconds of a clock that does not jump. */
  nowMs?: () => number;
}

/**
 * Refuses on a server what is beyond its caller's budget, before any message is read: RESOURCE_EXHAUSTED with reason
 * RATE_LIMITED, a QuotaFailure that names the budget, and when to come again. Budgets are of this process: n replicas give
 * n times as much. A stream counts once. Methods without a descriptor are of class `write`; health is not limited.
 */
export function rateLimit(options: RateLimitOptions): Interceptor {
  const { keyOf = callerOf, maxKeys = 100_000, nowMs = () => performance.now() } = options;
  assertOptions("rateLimit", { maxKeys }, { max: 10_000_000, integer: true });
  const rates = ratesOf(options);
  const buckets = createTokenBuckets({ maxKeys, nowMs });
  const budgetOf = perMethod((method) => toBudget(method, rates));

  return function rateLimit(call) {
    if (call.side === "client") return NO_HOOKS;
    const budget = budgetOf(call.method);
    if (budget === undefined) return NO_HOOKS;
    return {
      onStart() {
        const key = keyOf(call);
        if (key === undefined) return;
        const waitMs = buckets.take(`${budget.name} ${key}`, budget.rate);
        if (waitMs > 0) throw rateLimited(key, budget, waitMs);
      },
    };
  };
}

/** What shares one name shares one budget. */
interface Budget {
  readonly name: string;
  readonly rate: Rate;
}

function ratesOf({ classes = {}, limits = {}, methods }: RateLimitOptions): ReadonlyMap<string, Rate> {
  const rates = new Map([...Object.entries(classes), ...Object.entries(limits)]);
  if (rates.size === 0) throw new Error("rateLimit: neither classes nor limits are given");
  for (const [name, { perSecond, burst }] of rates) {
    assertOptions("rateLimit", { [`${name}.perSecond`]: perSecond }, { min: 0.0001, max: 1_000_000 });
    assertOptions("rateLimit", { [`${name}.burst`]: burst }, { max: 1_000_000, integer: true });
  }
  for (const name of Object.keys(limits)) {
    if (methods?.some(({ path, service }) => path === name || service === name) === false) {
      throw new Error(`rateLimit: limits names ${name}, which is not served`);
    }
  }
  return rates;
}

function toBudget(method: Method, rates: ReadonlyMap<string, Rate>): Budget | undefined {
  if (method.service === HEALTH) return undefined;
  for (const name of [method.path, method.service, rateClassOf(method)]) {
    const rate = rates.get(name);
    if (rate !== undefined) return { name, rate };
  }
  return undefined;
}

/** As the contract declares it (`tenon.options.v1.method`, `rate_class`); else by whether the method has side effects. */
export function rateClassOf({ desc }: Pick<Method, "desc">): RateClass {
  if (desc === undefined) return "write";
  switch (getOption(desc, optionsv1.method).rateClass) {
    case optionsv1.RateClass.READ:
      return "read";
    case optionsv1.RateClass.WRITE:
      return "write";
    case optionsv1.RateClass.CREDENTIAL:
      return "credential";
    default:
      return desc.idempotency === Idempotency.NO_SIDE_EFFECTS ? "read" : "write";
  }
}

function callerOf(call: Call): string | undefined {
  const principal = principalOf(call);
  if (principal.kind === "service") return undefined;
  return principal.kind === "user" ? `user:${principal.id}` : `address:${addressGroup(clientAddressOf(call))}`;
}

function rateLimited(subject: string, { name, rate: { perSecond, burst } }: Budget, waitMs: number): StatusError {
  const description = `${name}: ${perSecond} calls a second, ${burst} at once`;
  const quota = create(QuotaFailureSchema, { violations: [{ subject, description }] });
  return new StatusError("RESOURCE_EXHAUSTED", "too many calls; try again later", {
    reason: "RATE_LIMITED",
    retryDelayMs: waitMs,
    details: [anyPack(QuotaFailureSchema, quota)],
  });
}
