import { StatusError } from "@tenon/errors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { add, exponentOf, fromMinor, type Money, multiply, toMinor } from "./index.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

const usd = (minor: bigint): Money => ({ currency: "USD", minor });
const google = (currencyCode: string, units: bigint, nanos = 0) => ({ currencyCode, units, nanos });

/** What the function throws; fails where it does not. */
function refusal(act: () => unknown): StatusError {
  try {
    act();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

for (const [money, minor] of [
  [google("USD", 12n, 340_000_000), 1234n],
  [google("USD", -12n, -340_000_000), -1234n],
  [google("USD", 0n, -10_000_000), -1n],
  [google("USD", 0n, 990_000_000), 99n],
  [google("JPY", 500n), 500n],
  [google("KWD", 1n, 1_000_000), 1001n],
  [google("CLF", 1n, 100_000), 10_001n],
  [google("EUR", 0n), 0n],
  [google("JPY", MAX), MAX],
  [google("JPY", MIN), MIN],
  [google("USD", 92_233_720_368_547_758n, 70_000_000), MAX],
] as const) {
  test(`${money.currencyCode} ${money.units} units ${money.nanos} nanos are ${minor} minor units, and back`, () => {
    expect(toMinor(money)).toEqual({ currency: money.currencyCode, minor });
    expect(fromMinor({ currency: money.currencyCode, minor })).toEqual(money);
  });
}

for (const [what, money] of [
  ["no amount", undefined],
  ["no currency", google("", 1n)],
  ["a currency in small letters", google("usd", 1n)],
  ["a currency that nobody has", google("ABC", 1n)],
  ["gold, which has no minor unit", google("XAU", 1n)],
  ["a property of every object", google("constructor", 1n)],
  ["positive units with negative nanos", google("USD", 1n, -10_000_000)],
  ["negative units with positive nanos", google("USD", -1n, 10_000_000)],
  ["a whole unit in nanos", google("USD", 0n, 1_000_000_000)],
  ["a negative whole unit in nanos", google("USD", 0n, -1_000_000_000)],
  ["half a cent", google("USD", 0n, 5_000_000)],
  ["a tenth of a yen", google("JPY", 1n, 100_000_000)],
  ["a tenth of a fils", google("KWD", 0n, 100_000)],
  ["nanos that are no number", google("USD", 1n, Number.NaN)],
  ["one cent more than an int64", google("USD", 92_233_720_368_547_758n, 80_000_000)],
  ["the largest units there are", google("USD", MAX)],
  ["the smallest units there are", google("KWD", MIN)],
] as const) {
  test(`${what}: INVALID_ARGUMENT that names the field`, () => {
    const error = refusal(() => toMinor(money, { field: "items[1].price" }));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.violations.map(({ field }) => field)).toEqual(["items[1].price"]);
  });
}

const currency = fc.constantFrom("USD", "JPY", "KWD", "CLF");

test("every amount there is survives the way to the wire and back", () => {
  fc.assert(
    fc.property(currency, fc.bigInt({ min: MIN, max: MAX }), (currency, minor) => {
      expect(toMinor(fromMinor({ currency, minor }))).toEqual({ currency, minor });
    }),
  );
});

test("13: whatever the wire carries is read exactly or refused, as integers of nanos have it", () => {
  const units = fc.oneof(fc.bigInt({ min: MIN, max: MAX }), fc.bigInt({ min: -5n, max: 5n }));
  const nanos = fc.oneof(
    fc.integer(),
    fc.integer({ min: -100, max: 100 }).map((cents) => cents * 10_000_000),
  );
  fc.assert(
    fc.property(currency, units, nanos, (currencyCode, units, nanos) => {
      const perMinor = 10n ** BigInt(9 - (exponentOf(currencyCode) as number));
      const total = units * 1_000_000_000n + BigInt(nanos);
      const minor = total / perMinor;
      const valid =
        Math.abs(nanos) < 1e9 && units * BigInt(nanos) >= 0n && total % perMinor === 0n && minor <= MAX && minor >= MIN;
      const read = () => toMinor({ currencyCode, units, nanos });
      if (valid) expect(read().minor).toBe(minor);
      else expect(refusal(read).code).toBe("INVALID_ARGUMENT");
    }),
    { numRuns: 1000 },
  );
});

test("14: the total of an order is exact or refused", () => {
  const price = fc.oneof(fc.bigInt({ min: 0n, max: MAX }), fc.bigInt({ min: 0n, max: 10_000n }));
  const items = fc.array(fc.record({ price, quantity: fc.integer({ min: 1, max: 1_000_000 }) }), { maxLength: 20 });
  fc.assert(
    fc.property(items, (items) => {
      const exact = items.reduce((sum, { price, quantity }) => sum + price * BigInt(quantity), 0n);
      const total = () => items.reduce((sum, item) => add(sum, multiply(usd(item.price), item.quantity)), usd(0n));
      if (exact <= MAX) expect(total()).toEqual(usd(exact));
      else expect(refusal(total).code).toBe("INVALID_ARGUMENT");
    }),
  );
});

test("14: ten cents and twenty are thirty", () => expect(add(usd(10n), usd(20n))).toEqual(usd(30n)));

test("amounts of two currencies have no sum", () => {
  const error = refusal(() => add(usd(1n), { currency: "EUR", minor: 1n }));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", reason: "CURRENCY_MISMATCH" });
});

for (const [what, act] of [
  ["a sum over the bound", () => add(usd(MAX), usd(1n))],
  ["a sum under the bound", () => add(usd(MIN), usd(-1n))],
  ["a product over the bound", () => multiply(usd(MAX), 2)],
  ["the negative of the smallest amount", () => multiply(usd(MIN), -1n)],
  ["half an amount", () => multiply(usd(10n), 0.5)],
  ["a factor that lost digits as a number", () => multiply(usd(1n), 2 ** 53)],
  ["a factor that is no number", () => multiply(usd(1n), Number.NaN)],
] as const) {
  test(`13: ${what} is refused, never wrapped`, () => expect(refusal(act).code).toBe("INVALID_ARGUMENT"));
}

test("a currency that was never let in does not go out", () => {
  expect(() => fromMinor({ currency: "ABC", minor: 1n })).toThrow(RangeError);
});
