import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { testDatabase, testServer } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import type { Tables } from "./greeter-repository.ts";
import { greeterMigrations, wireGreeter } from "./server.ts";

const timeoutMs = 10_000;

/** The greeter behind the standard chain, without a port. */
async function greeter() {
  const database = await testDatabase<Tables>({ migrations: greeterMigrations });
  const { services } = wireGreeter({ db: database.db });
  const server = testServer({ name: "greeter", services });
  const client = server.connect(greeterv1.GreetingService);
  onTestFinished(async () => {
    await server.close();
    await database.close();
  });
  const list = async (names: string[] = []) =>
    (await Array.fromAsync(client.listGreetings({ names }, { timeoutMs }))).map(({ message }) => message);
  return { client, list };
}

const whole = (...names: string[]) => [...names.map((name) => ({ name })), { last: true, count: names.length }];

test("a name is greeted", async () => {
  const { client } = await greeter();
  expect((await client.greet({ name: "John" }, { timeoutMs })).message).toBe("Hello John");
});

for (const [what, name, refusal] of [
  ["no name", "", { reason: "NAME_REQUIRED", message: "name is required", violations: [{ field: "name" }] }],
  ["a name of 201 characters", "x".repeat(201), { reason: "VALIDATION_FAILED", violations: [{ field: "name" }] }],
] as const) {
  test(`${what} is INVALID_ARGUMENT and names the field`, async () => {
    const { client } = await greeter();
    await expect(client.greet({ name }, { timeoutMs })).rejects.toMatchObject({ code: "INVALID_ARGUMENT", ...refusal });
  });
}

test("200 characters are a name, whatever their bytes", async () => {
  const { client, list } = await greeter();
  const name = "👋".repeat(200);
  expect((await client.recordGreetings(whole(name), { timeoutMs })).count).toBe(1);
  expect(await list()).toEqual([`Hello ${name}`]);
});

test("given names are greeted in their order", async () => {
  const { list } = await greeter();
  expect(await list(["Bob", "Ada"])).toEqual(["Hello Bob", "Hello Ada"]);
});

test("recorded names are greeted, the latest first, over many pages", async () => {
  const { client, list } = await greeter();
  const names = Array.from({ length: 1201 }, (_, index) => `n${index}`);
  expect((await client.recordGreetings(whole(...names), { timeoutMs })).count).toBe(1201);
  expect(await list()).toEqual(names.toReversed().map((name) => `Hello ${name}`));
});

test("without a recording the list is empty", async () => {
  const { list } = await greeter();
  expect(await list()).toEqual([]);
});

for (const [what, requests, refusal] of [
  ["ends without its closing message", [{ name: "Ada" }], { reason: "STREAM_INCOMPLETE" }],
  ["counts wrong", [{ name: "Ada" }, { last: true, count: 2 }], { reason: "STREAM_INCOMPLETE" }],
  ["has an empty name", [{ name: "Ada" }, { name: "" }], { reason: "NAME_REQUIRED" }],
  ["has too long a name", [{ name: "Ada" }, { name: "x".repeat(201) }], { reason: "VALIDATION_FAILED" }],
  ["has a name with U+0000", whole("Ada", "a\u0000"), { reason: "TEXT_NOT_STORABLE" }],
] as const) {
  test(`a recording that ${what} is INVALID_ARGUMENT and records nothing`, async () => {
    const { client, list } = await greeter();
    const recording = client.recordGreetings([...requests], { timeoutMs });
    await expect(recording).rejects.toMatchObject({ code: "INVALID_ARGUMENT", ...refusal });
    expect(await list()).toEqual([]);
  });
}

test("a recording whose caller leaves before its end records nothing", async () => {
  const { client, list } = await greeter();
  const leaving = new AbortController();
  async function* names() {
    yield { name: "Ada" };
    yield { last: true, count: 1 };
    leaving.abort();
    await new Promise(() => {});
  }
  const recording = client.recordGreetings(names(), { timeoutMs, signal: leaving.signal });
  await expect(recording).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await list()).toEqual([]);
});

test("in a chat each name is greeted before the next one is sent", async () => {
  const { client } = await greeter();
  const greeted: string[] = [];
  let answered = Promise.withResolvers<void>();
  async function* names() {
    for (const name of ["Ada", "Bob", "Cleo"]) {
      answered = Promise.withResolvers();
      yield { name };
      await answered.promise;
    }
  }
  for await (const { message } of client.chatGreetings(names(), { timeoutMs })) {
    greeted.push(message);
    answered.resolve();
  }
  expect(greeted).toEqual(["Hello Ada", "Hello Bob", "Hello Cleo"]);
});

test("an empty name ends a chat after the greetings before it", async () => {
  const { client } = await greeter();
  const greeted: string[] = [];
  const chat = async () => {
    const requests = [{ name: "Ada" }, { name: "" }];
    for await (const { message } of client.chatGreetings(requests, { timeoutMs })) greeted.push(message);
  };
  await expect(chat()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(greeted).toEqual(["Hello Ada"]);
});
