import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, StatusError } from "@tenon/errors";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./client.ts";
import { createServer } from "./server.ts";

/** A service that answers every call with this code, and counts how often it was asked. */
async function startRefusing(code: Code) {
  let attempts = 0;
  const refuse = async () => {
    attempts += 1;
    throw new StatusError(code, "not now");
  };
  const service = implementPart(greeterv1.GreetingService, {
    greet: refuse,
    recordGreetings: refuse,
    async *listGreetings() {},
    async *chatGreetings() {},
  });
  const server = createServer({ services: [service] });
  const target = `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  const client = createClient(greeterv1.GreetingService, { target });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return { client, attempts: () => attempts };
}

const options = { timeoutMs: 30_000 };

test("51: a service that is not well is tried again a few times, and then no more often than it is called", async () => {
  const { client, attempts } = await startRefusing("UNAVAILABLE");
  const call = () => client.greet({ name: "Ada" }, options).catch((error: StatusError) => error.code);
  expect(await call()).toBe("UNAVAILABLE");
  expect(attempts()).toBe(4);
  for (let i = 0; i < 9; i++) await call();
  // The budget is spent: ten failures are half of it.
  expect(attempts()).toBeLessThanOrEqual(10 + 10);
  const before = attempts();
  for (let i = 0; i < 20; i++) await call();
  expect(attempts() - before).toBe(20);
}, 60_000);

test("51: what the contract does not call safe to repeat is not repeated", async () => {
  const { client, attempts } = await startRefusing("UNAVAILABLE");
  await expect(client.recordGreetings([{ name: "Ada" }], options)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(attempts()).toBe(1);
});

test("51: an answer is not asked for again", async () => {
  const { client, attempts } = await startRefusing("RESOURCE_EXHAUSTED");
  await expect(client.greet({ name: "Ada" }, options)).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  expect(attempts()).toBe(1);
});
