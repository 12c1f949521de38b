import { createMetadata, type Interceptor } from "@tenon/grpc";
import { expect, test } from "vitest";
import { deadline } from "./deadline.ts";
import { KINDS, startGreeter } from "./greeter-fixture.ts";

/** As the greeter's contract has it: Greet names no timeout. */
const TIMEOUTS_S: Record<string, number> = {
  Greet: 10,
  ListGreetings: 60,
  RecordGreetings: 60,
  ChatGreetings: 3600,
};

for (const side of ["server", "client"] as const) {
  for (const { kind, method, invoke } of KINDS) {
    test(`a ${side} gives a ${kind} call without a deadline the contract's`, async () => {
      let deadlineSeen = 0;
      const { greetings } = await startGreeter({
        [side]: [deadline()],
        inHandler: (call) => {
          deadlineSeen = call.deadline;
        },
      });
      const before = Date.now();
      await invoke(greetings);
      const timeoutMs = (TIMEOUTS_S[method] as number) * 1000;
      expect(deadlineSeen).toBeGreaterThanOrEqual(before + timeoutMs - 50);
      expect(deadlineSeen).toBeLessThanOrEqual(Date.now() + timeoutMs);
    });

    test(`a ${side} leaves a ${kind} call the deadline that its caller named`, async () => {
      let deadlineSeen = 0;
      const { greetings } = await startGreeter({
        [side]: [deadline()],
        inHandler: (call) => {
          deadlineSeen = call.deadline;
        },
      });
      await invoke(greetings, { timeoutMs: 7_200_000 });
      expect(deadlineSeen).toBeGreaterThan(Date.now() + 7_000_000);
    });
  }
}

test("defaults by kind may be set", async () => {
  let deadlineSeen = 0;
  const { greetings } = await startGreeter({
    server: [deadline({ unaryMs: 2000 })],
    inHandler: (call) => {
      deadlineSeen = call.deadline;
    },
  });
  await greetings.greet({ name: "Ada" });
  expect(deadlineSeen).toBeLessThanOrEqual(Date.now() + 2000);
});

/** What lies outside took all the time. */
const late: Interceptor = (call) => ({
  onStart: () => {
    call.deadline = Date.now() - 1;
  },
});

for (const side of ["server", "client"] as const) {
  for (const { kind, invoke } of KINDS) {
    test(`46: a ${side} refuses a ${kind} call that comes too late, before any work`, async () => {
      let handled = 0;
      const { greetings } = await startGreeter({
        [side]: [late, deadline()],
        inHandler: () => {
          handled += 1;
        },
      });
      await expect(invoke(greetings, { metadata: createMetadata() })).rejects.toMatchObject({
        code: "DEADLINE_EXCEEDED",
      });
      expect(handled).toBe(0);
    });
  }
}
