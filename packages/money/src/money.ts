import { StatusError } from "@tenon/errors";

/** An amount inside the platform: whole minor units (cents) of a currency, never a JavaScript number. */
export interface Money {
  /** ISO 4217, capitals. */
  readonly currency: string;
  /** In the currency's minor unit; within int64, as the database stores it. */
  readonly minor: bigint;
}

export interface FieldOptions {
  /** Where the amount stands in the caller's request, for the violation; by default `amount`. */
  field?: string;
}

/** The sum. INVALID_ARGUMENT where the currencies differ (CURRENCY_MISMATCH) or the sum is beyond int64. */
export function add(a: Money, b: Money, options: FieldOptions = {}): Money {
  assertSameCurrency(a, b, options);
  return { currency: a.currency, minor: bounded(a.minor + b.minor, options) };
}

/** So many times the amount. INVALID_ARGUMENT where the product is beyond int64 or the factor is not a whole number. */
export function multiply(money: Money, factor: bigint | number, options: FieldOptions = {}): Money {
  if (typeof factor === "number" && !Number.isSafeInteger(factor)) {
    throw invalidMoney("must be multiplied by a whole number", options);
  }
  return { currency: money.currency, minor: bounded(money.minor * BigInt(factor), options) };
}

function assertSameCurrency(a: Money, b: Money, { field = "amount" }: FieldOptions): void {
  if (a.currency === b.currency) return;
  throw new StatusError("INVALID_ARGUMENT", `${field} mixes ${a.currency} and ${b.currency}`, {
    reason: "CURRENCY_MISMATCH",
    violations: [{ field, description: `must be in ${a.currency}` }],
  });
}

const MAX_MINOR = 2n ** 63n - 1n;

/** The amount itself where an int64 holds it; INVALID_ARGUMENT otherwise. */
export function bounded(minor: bigint, options: FieldOptions): bigint {
  if (minor > MAX_MINOR || minor < -MAX_MINOR - 1n) throw invalidMoney("is too large", options);
  return minor;
}

/** INVALID_ARGUMENT with the field as its violation. */
export const invalidMoney = (description: string, { field = "amount" }: FieldOptions): StatusError =>
  new StatusError("INVALID_ARGUMENT", `${field} ${description}`, {
    reason: "VALIDATION_FAILED",
    violations: [{ field, description }],
  });
