import { expect, test } from "vitest";
import type { RecordedName, RecordingStep } from "./greeting.ts";
import { createGreetingService, type GreeterRepository, type GreetingServiceOptions } from "./greeting-service.ts";

const RECORDED_AT = new Date("2026-01-02T03:04:05Z");

/** A service on names in memory, which tells which pages were asked for. */
function rig(options: Partial<GreetingServiceOptions> = {}, names: readonly string[] = []) {
  const kept: RecordedName[] = names.map((name, index) => ({ id: BigInt(index + 1), name }));
  const pages: (bigint | undefined)[] = [];
  const recordings: { names: readonly string[]; recordedAt: Date }[] = [];
  const repository: GreeterRepository = {
    async record(names, recordedAt) {
      recordings.push({ names: [...names], recordedAt });
    },
    async listLatest({ limit, before }) {
      pages.push(before);
      const older = kept.filter(({ id }) => before === undefined || id < before);
      return older.sort((a, b) => (a.id > b.id ? -1 : 1)).slice(0, limit);
    },
  };
  const service = createGreetingService({ repository, now: () => RECORDED_AT, ...options });
  return { service, pages, recordings };
}

const step = (fields: Partial<RecordingStep>): RecordingStep => ({ name: "", last: false, count: 0, ...fields });

async function* stream(...steps: Partial<RecordingStep>[]): AsyncGenerator<RecordingStep> {
  for (const fields of steps) yield step(fields);
}

async function* namesThenLast(names: number): AsyncGenerator<RecordingStep> {
  for (let sent = 0; sent < names; sent += 1) yield step({ name: `n${sent}` });
  yield step({ last: true, count: names });
}

test("a name is greeted as it is", () => {
  expect(rig().service.greet("Jörg 👋")).toBe("Hello Jörg 👋");
});

test("nobody is not greeted", () => {
  const refusal = { code: "INVALID_ARGUMENT", reason: "NAME_REQUIRED", message: "name is required" };
  expect(() => rig().service.greet("")).toThrow(expect.objectContaining(refusal));
});

test("given names are listed in their order, and nothing is read", async () => {
  const { service, pages } = rig({}, ["recorded"]);
  expect(await Array.fromAsync(service.listNames(["Ada", "Bob", "Ada"]))).toEqual(["Ada", "Bob", "Ada"]);
  expect(pages).toEqual([]);
});

for (const count of [0, 1, 2, 3, 4, 5]) {
  test(`all of ${count} recorded names are listed, the latest first`, async () => {
    const names = Array.from({ length: count }, (_, index) => `n${index}`);
    const { service } = rig({ pageSize: 2 }, names);
    expect(await Array.fromAsync(service.listNames([]))).toEqual(names.reverse());
  });
}

test("a page is read when it is needed, not before", async () => {
  const { service, pages } = rig({ pageSize: 2 }, ["a", "b", "c", "d", "e"]);
  const names = (service.listNames([]) as AsyncIterable<string>)[Symbol.asyncIterator]();
  expect(pages).toEqual([]);
  await names.next();
  await names.next();
  expect(pages).toEqual([undefined]);
  await names.next();
  expect(pages).toEqual([undefined, 4n]);
});

test("a whole recording is stored once, in its order, with its time", async () => {
  const { service, recordings } = rig();
  expect(await service.record(stream({ name: "Ada" }, { name: "Bob" }, { last: true, count: 2 }))).toBe(2);
  expect(recordings).toEqual([{ names: ["Ada", "Bob"], recordedAt: RECORDED_AT }]);
});

test("a recording of nobody is whole and stores nothing", async () => {
  const { service, recordings } = rig();
  expect(await service.record(stream({ last: true }))).toBe(0);
  expect(recordings).toEqual([]);
});

for (const [what, reason, steps] of [
  ["nothing at all", "STREAM_INCOMPLETE", []],
  ["no closing message", "STREAM_INCOMPLETE", [{ name: "Ada" }]],
  ["more names than the closing message counts", "STREAM_INCOMPLETE", [{ name: "Ada" }, { last: true }]],
  ["fewer names than it counts", "STREAM_INCOMPLETE", [{ name: "Ada" }, { last: true, count: 2 }]],
  ["a name behind it", "STREAM_INCOMPLETE", [{ name: "Ada" }, { last: true, count: 1 }, { name: "Bob" }]],
  ["two of it", "STREAM_INCOMPLETE", [{ last: true }, { last: true }]],
  ["a name in it", "STREAM_INCOMPLETE", [{ name: "Ada" }, { name: "Bob", last: true, count: 1 }]],
  ["an empty name", "NAME_REQUIRED", [{ name: "Ada" }, { name: "" }, { last: true, count: 1 }]],
] as const) {
  test(`a stream with ${what} records nothing`, async () => {
    const { service, recordings } = rig();
    await expect(service.record(stream(...steps))).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason });
    expect(recordings).toEqual([]);
  });
}

test("a recording has 10,000 names at most", async () => {
  const { service, recordings } = rig();
  expect(await service.record(namesThenLast(10_000))).toBe(10_000);
  await expect(service.record(namesThenLast(10_001))).rejects.toMatchObject({ reason: "TOO_MANY_NAMES" });
  expect(recordings.length).toBe(1);
});

test("recordings under way share one bound of memory, which each gives back at its end", async () => {
  const { service } = rig({ maxHeldChars: 100 });
  const { promise: rest, resolve: goOn } = Promise.withResolvers<void>();
  const { promise: held, resolve: reached } = Promise.withResolvers<void>();
  async function* slow() {
    yield step({ name: "x".repeat(50) });
    reached();
    await rest;
    yield step({ last: true, count: 1 });
  }
  const first = service.record(slow());
  await held;
  const second = () => service.record(stream({ name: "Ada" }, { last: true, count: 1 }));
  await expect(second()).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED", reason: "OVERLOADED" });
  goOn();
  expect(await first).toBe(1);
  expect(await second()).toBe(1);
});

test("a stream that breaks records nothing and gives its memory back", async () => {
  const { service, recordings } = rig({ maxHeldChars: 100 });
  async function* broken() {
    yield step({ name: "x".repeat(50) });
    throw new Error("cancelled");
  }
  await expect(service.record(broken())).rejects.toThrow("cancelled");
  expect(recordings).toEqual([]);
  expect(await service.record(stream({ name: "y".repeat(50) }, { last: true, count: 1 }))).toBe(1);
});
