import { describe, expect, test } from "vitest";
import { CASES, type Case } from "./call-cases.ts";
import { play } from "./call-rig.ts";
import { KINDS, type Kind, manyIn, manyOut, STACKS } from "./call-scenario.ts";
import { HELD_CASES } from "./held-call-cases.ts";

// What happens to a call, for everything that can end it, of every kind, over every way it can take. In each cell both
// sides' hooks see one end, the true one, and each hook set that has started is ended.

for (const [name, one] of Object.entries({ ...CASES, ...HELD_CASES })) {
  describe.concurrent(name, () => {
    for (const stack of one.stacks ?? STACKS) {
      for (const kind of one.kinds ?? KINDS) {
        test(`${kind} over ${stack}: ${one.caller}`, async () =>
          check(one, await play(stack, kind, one.scenario()), kind));
      }
    }
  });
}

function check(one: Case, outcome: Awaited<ReturnType<typeof play>>, kind: Kind): void {
  const left = one.server === "CANCELLED" && one.caller === "OK";
  expect({ code: outcome.code, ...(one.message && { message: outcome.message }) }).toEqual({
    code: one.caller,
    ...(one.message && { message: one.message }),
  });
  if (one.caller === "OK" && !left) expect(outcome.received).toBeGreaterThanOrEqual(1);
  // each side: as many ends as starts, all of one code
  expect(outcome.clientEnds).toEqual(Array(outcome.clientStarts).fill(left ? "CANCELLED" : one.caller));
  expect(outcome.serverEnds).toHaveLength(outcome.serverStarts);
  const serverCode = "server" in one ? one.server : one.caller;
  if (serverCode === undefined) expect(outcome.serverStarts).toBe(0);
  else if (serverCode === "any") expect(new Set(outcome.serverEnds).size).toBeLessThanOrEqual(1);
  else expect([...new Set(outcome.serverEnds)]).toEqual([serverCode]);
  expect(outcome.reported).toEqual(one.reported ?? []);
  if (outcome.code === "OK" && !left && manyIn(kind) && manyOut(kind)) expect(outcome.clientEnds).toContain("OK");
}
