import fc from "fast-check";
import { expect, test } from "vitest";
import { createAdmission, PRIORITIES, type Priority, type Ticket } from "./admission.ts";
import { createSimulation } from "./overload-fixture.ts";

type Step =
  | { do: "enter"; priority: Priority; waitMs: number }
  | { do: "leave" }
  | { do: "give up" }
  | { do: "pass"; ms: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("enter" as const), priority: fc.constantFrom(...PRIORITIES), waitMs: fc.nat(50) }),
    fc.record({ do: fc.constant("leave" as const) }),
    fc.record({ do: fc.constant("give up" as const) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.nat(30) }),
  ),
  { maxLength: 200 },
);

test("whoever comes, waits, leaves or gives up: never more are in or wait than may, and none is forgotten", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 10 }), fc.nat(5), steps, async (limit, maxQueue, all: Step[]) => {
      const simulation = createSimulation();
      const { nowMs, schedule } = simulation;
      const admission = createAdmission({ limit: () => limit, maxQueue, nowMs, schedule });
      let inside = 0;
      let waiting: Ticket[] = [];
      const settled = async () => {
        for (let turn = 0; turn < 3; turn++) await undefined;
      };
      for (const step of all) {
        if (step.do === "enter") {
          const entry = admission.enter(step.priority, nowMs() + step.waitMs);
          if (entry === true) inside += 1;
          else if (entry !== false) {
            waiting.push(entry);
            void entry.admitted.then((admitted) => {
              waiting = waiting.filter((ticket) => ticket !== entry);
              if (admitted) inside += 1;
            });
          }
        } else if (step.do === "leave" && inside > 0) {
          inside -= 1;
          admission.leave();
        } else if (step.do === "give up") waiting[0]?.cancel();
        else if (step.do === "pass") await simulation.runUntil(nowMs() + step.ms);
        await settled();
        expect([admission.inFlight, admission.queued]).toEqual([inside, waiting.length]);
        expect(inside).toBeLessThanOrEqual(limit);
        expect(waiting.length).toBeLessThanOrEqual(maxQueue);
        expect(admission.queued > 0 && admission.inFlight === 0).toBe(false);
      }
      while (inside > 0) {
        inside -= 1;
        admission.leave();
        await settled();
      }
      expect([admission.inFlight, admission.queued, waiting]).toEqual([0, 0, []]);
    }),
  );
});

/** What becomes of callers of these ranks where one is in, who then leaves, and so does each who follows. */
async function order(ranks: readonly Priority[], maxQueue: number): Promise<string[]> {
  const { nowMs, schedule } = createSimulation();
  const admission = createAdmission({ limit: () => 1, maxQueue, nowMs, schedule });
  admission.enter("normal", 0);
  const told: string[] = [];
  ranks.forEach((rank, i) => {
    const entry = admission.enter(rank, 100);
    if (typeof entry === "boolean") told.push(`${rank} ${i} ${entry ? "in" : "out"}`);
    else void entry.admitted.then((admitted) => told.push(`${rank} ${i} ${admitted ? "in" : "out"}`));
  });
  for (let n = 0; n <= ranks.length && admission.inFlight > 0; n++) {
    admission.leave();
    for (let turn = 0; turn < 3; turn++) await undefined;
  }
  return told;
}

test("the higher goes first, and of one rank who came first", async () => {
  expect(await order(["low", "normal", "high", "high", "low"], 10)).toEqual([
    "high 2 in",
    "high 3 in",
    "normal 1 in",
    "low 0 in",
    "low 4 in",
  ]);
});

test("where the queue is full a higher rank takes the place of the last of the lowest", async () => {
  expect(await order(["low", "low", "normal", "low"], 2)).toEqual([
    "low 3 out",
    "low 1 out",
    "normal 2 in",
    "low 0 in",
  ]);
  expect(await order(["high", "high", "high"], 2)).toEqual(["high 2 out", "high 0 in", "high 1 in"]);
});

test("low ranks leave room for those above", () => {
  const { nowMs, schedule } = createSimulation();
  const admission = createAdmission({ limit: () => 10, maxQueue: 0, nowMs, schedule });
  const fill = (priority: Priority) => {
    let entered = 0;
    while (admission.enter(priority, 0) === true) entered += 1;
    return entered;
  };
  expect(PRIORITIES.map(fill)).toEqual([7, 2, 1]);
});
