import fc from "fast-check";
import { expect, test } from "vitest";
import { createTokenBuckets, type Rate } from "./token-bucket.ts";

const rates = fc.record({
  perSecond: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 50 }),
});
/** Pauses between calls, in milliseconds: many at once, some short, some long. */
const pauses = fc.array(
  fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true })),
  {
    minLength: 1,
    maxLength: 200,
  },
);

function createClocked(maxKeys = 1000) {
  const clock = { ms: 0 };
  return { clock, buckets: createTokenBuckets({ maxKeys, nowMs: () => clock.ms }) };
}

test("no stretch of time lets through more than a burst and what comes back in it", () => {
  fc.assert(
    fc.property(rates, pauses, (rate, all) => {
      const { clock, buckets } = createClocked();
      const admitted: number[] = [];
      for (const pause of all) {
        clock.ms += pause;
        if (buckets.take("a", rate) === 0) admitted.push(clock.ms);
      }
      for (let from = 0; from < admitted.length; from++) {
        for (let to = from; to < admitted.length; to++) {
          const seconds = ((admitted[to] ?? 0) - (admitted[from] ?? 0)) / 1000;
          expect(to - from + 1).toBeLessThanOrEqual(rate.burst + rate.perSecond * seconds + 1e-3);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("it is a bucket that fills at its rate and gives what it has", () => {
  fc.assert(
    fc.property(rates, pauses, (rate, all) => {
      const { clock, buckets } = createClocked();
      let tokens = rate.burst;
      for (const pause of all) {
        clock.ms += pause;
        tokens = Math.min(rate.burst, tokens + (pause * rate.perSecond) / 1000);
        if (Math.abs(tokens - 1) < 1e-6) return; // either answer is right
        const admitted = buckets.take("a", rate) === 0;
        expect(admitted).toBe(tokens >= 1);
        if (admitted) tokens -= 1;
      }
    }),
  );
});

test("who waits as long as he is told gets in, and not sooner", () => {
  fc.assert(
    fc.property(rates, pauses, (rate, all) => {
      const { clock, buckets } = createClocked();
      for (const pause of all) {
        clock.ms += pause;
        const waitMs = buckets.take("a", rate);
        if (waitMs === 0) continue;
        clock.ms += waitMs * 0.99;
        expect(buckets.take("a", rate)).toBeGreaterThan(0);
        clock.ms += waitMs * 0.0101;
        expect(buckets.take("a", rate)).toBe(0);
      }
    }),
  );
});

test("keys have buckets of their own, and memory a limit", () => {
  fc.assert(
    fc.property(rates, fc.array(fc.nat(100), { maxLength: 300 }), (rate, keys) => {
      const shared = createClocked(20);
      const own = new Map<number, ReturnType<typeof createClocked>>();
      const lastUsed = new Map<number, number>();
      keys.forEach((key, i) => {
        const distinct = new Set(keys.slice(lastUsed.get(key) ?? i, i)).size;
        if (distinct > 20) own.delete(key); // forgotten
        const alone = own.get(key) ?? createClocked();
        own.set(key, alone);
        lastUsed.set(key, i);
        expect(shared.buckets.take(String(key), rate)).toBe(alone.buckets.take("a", rate));
        expect(shared.buckets.size).toBeLessThanOrEqual(20);
      });
    }),
  );
});

test("a clock that jumps back shuts nobody out for longer than a burst takes to come back", () => {
  fc.assert(
    fc.property(rates, fc.double({ min: 0, max: 1e9, noNaN: true }), (rate: Rate, jumpMs) => {
      const { clock, buckets } = createClocked();
      clock.ms = 1e9;
      buckets.take("a", rate);
      clock.ms -= jumpMs;
      expect(buckets.take("a", rate)).toBeLessThanOrEqual((rate.burst * 1000) / rate.perSecond + 1e-3);
    }),
  );
});
