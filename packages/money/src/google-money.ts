import type * as type from "@tenon/options/google/type";
import { exponentOf } from "./currency.ts";
import { bounded, type FieldOptions, invalidMoney, type Money } from "./money.ts";

/** The fields of google.type.Money: a decoded message is one, and so is what initialises a message. */
export type GoogleMoney = Pick<type.Money, "currencyCode" | "units" | "nanos">;

const NANOS_PER_UNIT = 1_000_000_000n;

/**
 * Reads an amount from the wire, strictly by google.type.Money: a known ISO 4217 code in capitals, units and nanos of one
 * sign, at most 999,999,999 nanos either way. Refused with INVALID_ARGUMENT too: an absent amount, nanos that are no
 * whole minor unit (half a cent, a tenth of a yen), and more minor units than an int64 holds.
 */
export function toMinor(money: GoogleMoney | undefined, options: FieldOptions = {}): Money {
  if (money === undefined) throw invalidMoney("is required", options);
  const { currencyCode: currency, units, nanos } = money;
  const exponent = exponentOf(currency);
  if (exponent === undefined) throw invalidMoney("must have an ISO 4217 currency code", options);
  if (!Number.isInteger(nanos) || Math.abs(nanos) > 999_999_999) {
    throw invalidMoney("must have nanos between -999,999,999 and 999,999,999", options);
  }
  if ((units > 0n && nanos < 0) || (units < 0n && nanos > 0)) {
    throw invalidMoney("must have units and nanos of the same sign", options);
  }
  const minorPerUnit = 10n ** BigInt(exponent);
  const nanosPerMinor = NANOS_PER_UNIT / minorPerUnit;
  if (BigInt(nanos) % nanosPerMinor !== 0n) {
    throw invalidMoney(`must be in whole minor units: ${currency} has ${exponent} decimals`, options);
  }
  return { currency, minor: bounded(units * minorPerUnit + BigInt(nanos) / nanosPerMinor, options) };
}

/** An amount for the wire. Throws a RangeError for a currency that toMinor would not have let in. */
export function fromMinor({ currency, minor }: Money): GoogleMoney {
  const exponent = exponentOf(currency);
  if (exponent === undefined) throw new RangeError("no ISO 4217 currency");
  const minorPerUnit = 10n ** BigInt(exponent);
  const units = minor / minorPerUnit;
  const nanos = Number((minor % minorPerUnit) * (NANOS_PER_UNIT / minorPerUnit));
  return { currencyCode: currency, units, nanos };
}
