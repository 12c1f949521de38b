import fc from "fast-check";
import { expect, test } from "vitest";
import { type BreakerOptions, type BreakerState, createBreaker, type Outcome } from "./breaker.ts";

const LIMITS = {
  failureRatio: 0.5,
  minCalls: 10,
  windowMs: 1000,
  openMs: 500,
  maxOpenMs: 4000,
  probes: 2,
  closeAfter: 3,
};

function createClocked(limits: Partial<BreakerOptions> = {}) {
  const clock = { ms: 1000 };
  const changes: BreakerState[] = [];
  const breaker = createBreaker({
    ...LIMITS,
    nowMs: () => clock.ms,
    random: () => 0.5,
    onChange: (state) => void changes.push(state),
    ...limits,
  });
  /** A call that goes so; whether it was let through. */
  const call = (outcome: Outcome): boolean => {
    const entry = breaker.enter();
    if (typeof entry === "number") return false;
    entry(outcome);
    return true;
  };
  return { clock, breaker, changes, call };
}

const outcomes = fc.constantFrom<Outcome>("success", "failure", "neutral");
const calls = fc.array(fc.record({ outcome: outcomes, pauseMs: fc.nat(300) }), { maxLength: 300 });

test("nothing but failures ever opens it", () => {
  fc.assert(
    fc.property(calls, (all) => {
      const { clock, changes, call } = createClocked();
      for (const { outcome, pauseMs } of all) {
        clock.ms += pauseMs;
        expect(call(outcome === "failure" ? "neutral" : outcome)).toBe(true);
      }
      expect(changes).toEqual([]);
    }),
  );
});

test("it opens where the window holds enough calls and failures, and not before", () => {
  let opened = 0;
  const dense = fc.array(fc.record({ outcome: outcomes, pauseMs: fc.nat(100) }), { minLength: 40, maxLength: 80 });
  fc.assert(
    fc.property(dense, (all) => {
      const { clock, changes, call } = createClocked();
      const told: { slot: number; failed: boolean }[] = [];
      for (const { outcome, pauseMs } of all) {
        clock.ms += pauseMs;
        call(outcome);
        const slot = Math.floor(clock.ms / (LIMITS.windowMs / 10));
        if (outcome !== "neutral") told.push({ slot, failed: outcome === "failure" });
        const recent = told.filter((one) => one.slot > slot - 10);
        const failures = recent.filter(({ failed }) => failed).length;
        const opens = outcome === "failure" && recent.length >= LIMITS.minCalls && failures >= recent.length / 2;
        expect(changes).toEqual(opens ? ["open"] : []);
        if (!opens) continue;
        opened += 1;
        return;
      }
    }),
  );
  expect(opened).toBeGreaterThan(10);
});

test("while open it lets nobody through, then few at once, and closes when they go well", () => {
  const { clock, breaker, changes, call } = createClocked();
  for (let n = 0; n < 10; n++) expect(call("failure")).toBe(true);
  expect(breaker.state).toBe("open");
  clock.ms += 499;
  expect(breaker.enter()).toBe(1);
  clock.ms += 1;
  const first = breaker.enter();
  const second = breaker.enter();
  expect([typeof first, typeof second, breaker.enter()]).toEqual(["function", "function", 500]);
  for (const pass of [first, second]) if (typeof pass === "function") pass("success");
  expect([call("success"), breaker.state]).toEqual([true, "closed"]);
  expect(changes).toEqual(["open", "half-open", "closed"]);
});

test("a probe that fails opens it for twice as long, up to the most; one that says nothing makes room for another", () => {
  const { clock, breaker, call } = createClocked({ probes: 1 });
  for (let n = 0; n < 10; n++) call("failure");
  for (const openMs of [500, 1000, 2000, 4000, 4000]) {
    expect(breaker.enter()).toBe(openMs);
    clock.ms += openMs;
    expect(call("neutral")).toBe(true);
    expect(call("failure")).toBe(true);
  }
});

test("calls from before it opened say nothing after, and nobody tells twice", () => {
  const { clock, breaker, call } = createClocked({ probes: 1 });
  const early = Array.from({ length: 5 }, () => breaker.enter());
  for (let n = 0; n < 10; n++) call("failure");
  clock.ms += 500;
  const probe = breaker.enter();
  for (const pass of early) if (typeof pass === "function") pass("failure");
  expect(breaker.state).toBe("half-open");
  for (let n = 0; n < 5; n++) if (typeof probe === "function") probe("success");
  expect(breaker.state).toBe("half-open");
});

test("a dead dependency is tried as rarely as promised, however many ask", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 100, maxLength: 2000 }), (pauses) => {
      const { clock, call } = createClocked();
      const startMs = clock.ms;
      let tried = 0;
      for (const pauseMs of pauses) {
        clock.ms += pauseMs;
        if (call("failure")) tried += 1;
      }
      const elapsedMs = clock.ms - startMs;
      expect(tried).toBeLessThanOrEqual(LIMITS.minCalls + 4 + elapsedMs / LIMITS.maxOpenMs);
    }),
  );
});

test("whatever happens, it is closed soon after all is well", () => {
  fc.assert(
    fc.property(calls, (all) => {
      const { clock, breaker, call } = createClocked();
      for (const { outcome, pauseMs } of all) {
        clock.ms += pauseMs;
        call(outcome);
      }
      clock.ms += LIMITS.maxOpenMs * 1.2;
      for (let n = 0; n < LIMITS.closeAfter; n++) expect(call("success")).toBe(true);
      expect(breaker.state).toBe("closed");
    }),
  );
});
