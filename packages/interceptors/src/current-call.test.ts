import type { Call } from "@tenon/grpc";
import { expect, test } from "vitest";
import { currentCall } from "./current-call.ts";
import { KINDS, startGreeter } from "./greeter-fixture.ts";
import { propagation } from "./propagation.ts";

for (const { kind, invoke } of KINDS) {
  test(`the current call is the same everywhere in a ${kind} call, and none outside`, async () => {
    const calls = new Set<Call | undefined>();
    const see = () => void calls.add(currentCall());
    const { greetings } = await startGreeter({
      server: [propagation(), () => ({ onStart: see, onReceive: see, onSend: see, onEnd: see })],
      inHandler: async () => {
        see();
        await null;
        see();
      },
    });
    await invoke(greetings);
    expect(calls.size).toBe(1);
    expect([...calls][0]?.method.service).toBe("greeter.v1.GreetingService");
    expect(currentCall()).toBeUndefined();
  });
}

test("calls served at the same time are told apart", async () => {
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let arrived = 0;
  const same: boolean[] = [];
  const { greetings } = await startGreeter({
    server: [propagation()],
    inHandler: async (call) => {
      both[arrived++]?.resolve();
      await Promise.all(both.map(({ promise }) => promise));
      same.push(currentCall() === call);
    },
  });
  await Promise.all([greetings.greet({}), greetings.greet({})]);
  expect(same).toEqual([true, true]);
});
