import { StatusError } from "@tenon/errors";
import { createManualClock } from "@tenon/testing";
import { expect, test } from "vitest";
import { createOutageBrake } from "./outage-brake.ts";

const down = new StatusError("UNAVAILABLE", "down", { remote: true });

function brakeAfter(...notes: unknown[]) {
  const clock = createManualClock();
  const brake = createOutageBrake({ now: clock.now, random: () => 0 });
  for (const note of notes) brake.note(note);
  return { clock, brake };
}

const five = Array.from({ length: 5 }, () => down);

test("a few failures do not put it on, five in a row do", () => {
  expect(brakeAfter(...five.slice(1)).brake.admit(16, 3)).toBe(16);
  expect(brakeAfter(...five).brake.admit(16, 3)).toBe(0);
  expect(brakeAfter(...five.slice(1), undefined, ...five.slice(1)).brake.admit(16, 3)).toBe(16);
});

for (const [what, error] of [
  ["a refusal", new StatusError("FAILED_PRECONDITION", "no")],
  ["a rival", new StatusError("ABORTED", "busy", { reason: "REQUEST_IN_PROGRESS" })],
  ["a fault of ours", new Error("bug")],
] as const) {
  test(`${what} is an answer and takes it off`, () => {
    const { brake } = brakeAfter(...five, error);
    expect([brake.admit(16, 0), brake.waitMs()]).toEqual([16, 0]);
  });
}

test("a deadline that passed is no answer", () => {
  const late = new StatusError("DEADLINE_EXCEEDED", "late", { remote: true });
  expect(brakeAfter(...five.map(() => late)).brake.admit(16, 0)).toBe(0);
});

test("one probe at a time, with a time between that doubles up to 5 s", () => {
  const { brake, clock } = brakeAfter(...five);
  const waits: number[] = [];
  for (let probe = 0; probe < 8; probe++) {
    expect(brake.admit(16, 0)).toBe(0);
    waits.push(brake.waitMs());
    clock.advance(brake.waitMs());
    expect(brake.admit(15, 1)).toBe(0);
    expect(brake.admit(16, 0)).toBe(1);
    expect(brake.admit(15, 1)).toBe(0);
    brake.note(down);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("those that were on their way when it went on do not make the time longer", () => {
  const { brake } = brakeAfter(...five, ...five, ...five);
  expect(brake.waitMs()).toBe(100);
});
