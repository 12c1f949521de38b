import fc from "fast-check";
import { expect, test } from "vitest";
import { createAdaptiveLimit } from "./adaptive-limit.ts";

const method = (name: string) => ({
  path: `/a.B/${name}`,
  service: "a.B",
  name,
  requestStream: false,
  responseStream: false,
});
const FAST = method("Fast");
const SLOW = method("Slow");

function createClocked(initialLimit = 50) {
  const clock = { ms: 0 };
  const adaptive = createAdaptiveLimit({ initialLimit, minLimit: 5, maxLimit: 200, nowMs: () => clock.ms });
  /** So many seconds of a hundred calls each, that fill the limit. */
  const run = (seconds: number, times: () => readonly [ReturnType<typeof method>, number], inFlight = 1000) => {
    for (let n = 0; n < seconds * 100; n++) {
      clock.ms += 10;
      adaptive.observe(...times(), { inFlight, limited: false });
    }
    return adaptive.limit;
  };
  return { adaptive, run };
}

test("it stays within its bounds whatever it is told", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.nat(), fc.boolean()), { maxLength: 500 }),
      fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 500, maxLength: 500 }),
      (calls, pauses) => {
        const clock = { ms: 0 };
        const adaptive = createAdaptiveLimit({ initialLimit: 50, minLimit: 5, maxLimit: 200, nowMs: () => clock.ms });
        calls.forEach(([tookMs, inFlight, limited], i) => {
          clock.ms += pauses[i] ?? 0;
          adaptive.observe(FAST, tookMs, { inFlight, limited });
          expect(adaptive.limit).toBeGreaterThanOrEqual(5);
          expect(adaptive.limit).toBeLessThanOrEqual(200);
        });
      },
    ),
  );
});

test("it grows while calls take what is usual and fill it, and not where nobody comes near", () => {
  expect(createClocked().run(10, () => [FAST, 10])).toBe(200);
  expect(createClocked().run(10, () => [FAST, 10], 3)).toBe(50);
});

test("it shrinks where calls take longer, and recovers", () => {
  const { run } = createClocked();
  run(5, () => [FAST, 10]);
  expect(run(5, () => [FAST, 100])).toBeLessThan(20);
  expect(run(5, () => [FAST, 10])).toBeGreaterThan(50);
  expect(run(10, () => [FAST, 10])).toBe(200);
});

test("a change of what is called is no change of load", () => {
  const { run } = createClocked();
  let n = 0;
  run(10, () => (n++ % 10 === 0 ? [SLOW, 500] : [FAST, 1]));
  expect(run(10, () => (n++ % 10 === 0 ? [FAST, 1] : [SLOW, 500]))).toBe(200);
});

test("one call that takes ten seconds among many is no reason", () => {
  const { run } = createClocked();
  let n = 0;
  expect(run(20, () => [FAST, n++ % 100 === 0 ? 10_000 : 10])).toBe(200);
});

test("overload of a minute does not become what is usual", () => {
  const { adaptive, run } = createClocked();
  run(5, () => [FAST, 10]);
  for (let n = 0; n < 600; n++) run(0.1, () => [FAST, 100]);
  expect(adaptive.expectedMs(FAST)).toBeLessThan(100);
  expect(createClocked().adaptive.expectedMs(FAST)).toBe(0);
});
