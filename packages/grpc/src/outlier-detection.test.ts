import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./client.ts";
import { createServer } from "./server.ts";

/** Serves well, or where it is ill in the way that a call's name asks for. `came` counts calls by these names. */
async function startReplica({ isIll }: { isIll: boolean }) {
  const came = new Map<string, number>();
  const held = new EventTarget();
  const service = implementPart(greeterv1.GreetingService, {
    async greet({ name }, call) {
      came.set(name, (came.get(name) ?? 0) + 1);
      if (!isIll) return { message: "well" };
      if (name === "NOT_FOUND" || name === "INTERNAL") throw new StatusError(name, "as it was asked");
      held.dispatchEvent(new Event("held"));
      return new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
    },
    recordGreetings: async () => ({}),
    async *listGreetings() {},
    async *chatGreetings() {},
  });
  const server = createServer({ services: [service] });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return { address: `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`, came, held };
}

test("52: a replica is left out for its failures, neither for what it answers nor for who leaves it", async () => {
  const well = await startReplica({ isIll: false });
  const ill = await startReplica({ isIll: true });
  /** Calls one after the other; how many of them came to the one that is ill. */
  function callerOf(name: string) {
    const client = createClient(greeterv1.GreetingService, { target: `ipv4:${well.address},${ill.address}` });
    onTestFinished(() => client.close());
    return async (calls: number) => {
      const before = ill.came.get(name) ?? 0;
      for (let count = 0; count < calls; count++) {
        const leave = new AbortController();
        ill.held.addEventListener("held", () => leave.abort(), { once: true, signal: leave.signal });
        await client.greet({ name }, { timeoutMs: 30_000, signal: leave.signal }).catch(() => {});
        leave.abort();
      }
      return (ill.came.get(name) ?? 0) - before;
    };
  }
  const [answered, left, failed] = [callerOf("NOT_FOUND"), callerOf("leave"), callerOf("INTERNAL")];
  // Both replicas are known, and each has been called often enough to be judged.
  for (const calls of [answered, left, failed]) {
    await expect.poll(() => calls(2), { timeout: 30_000 }).toBe(1);
    expect(await calls(40)).toBe(20);
  }
  // Addresses are judged every ten seconds: those of this client, which began last, after those of the others.
  await expect.poll(() => failed(4), { timeout: 30_000, interval: 100 }).toBe(0);
  expect([await answered(4), await left(4)]).toEqual([2, 2]);
}, 120_000);
