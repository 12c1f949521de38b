import fc from "fast-check";
import { expect, test } from "vitest";
import { createIsoTime } from "./iso-time.ts";

const LAST = 8.64e15;

test("instants are written as Date writes them, in whatever order they come", () => {
  const toIsoTime = createIsoTime();
  const instants = fc.oneof(fc.integer({ min: -LAST, max: LAST }), fc.integer({ min: -3000, max: 3000 }), fc.nat());
  fc.assert(
    fc.property(instants, (ms) => {
      expect(toIsoTime(ms)).toBe(new Date(ms).toISOString());
    }),
  );
});

for (const ms of [0, -1, 999, 1000, 1.75, LAST, -LAST, 253_402_300_800_000]) {
  test(`${ms} is written as Date writes it`, () => {
    expect(createIsoTime()(ms)).toBe(new Date(ms).toISOString());
  });
}

for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, LAST + 1, -LAST - 1]) {
  test(`${ms} is no instant, also not after one`, () => {
    const toIsoTime = createIsoTime();
    toIsoTime(0);
    expect(() => toIsoTime(ms)).toThrow(RangeError);
    expect(toIsoTime(1)).toBe("1970-01-01T00:00:00.001Z");
  });
}
