import { createLogger } from "@tenon/logger";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Check, createReadiness } from "./readiness.ts";

const ok = async () => {};
const broken = () => Promise.reject(new Error("down"));
const never = () => new Promise(() => {});

for (const [what, checks, ready, states] of [
  ["no checks", {}, true, {}],
  ["checks that pass", { a: ok, b: ok }, true, { a: "ok", b: "ok" }],
  ["one that fails", { a: ok, b: broken }, false, { a: "ok", b: "failed" }],
  [
    "one that throws",
    {
      a: () => {
        throw new Error("at once");
      },
    },
    false,
    { a: "failed" },
  ],
  ["one that never answers", { a: never, b: ok }, false, { a: "failed", b: "ok" }],
] as const) {
  test(`with ${what} it is ${ready ? "" : "not "}ready after the first round`, async () => {
    const { readiness, heard } = create(checks);
    expect(readiness.report().ready).toBe(Object.keys(checks).length === 0);
    await readiness.start();
    expect(readiness.report()).toEqual({ ready, draining: false, checks: states });
    expect(heard).toEqual([ready]);
  });
}

for (const [what, checks, ready] of [
  ["one that passes", { a: broken, b: ok }, true],
  ["none that passes", { a: broken, b: never }, false],
  ["no checks", {}, true],
] as const) {
  test(`where any check will do, with ${what} it is ${ready ? "" : "not "}ready`, async () => {
    const { readiness } = create(checks, { needs: "any" });
    await readiness.start();
    expect(readiness.report().ready).toBe(ready);
  });
}

test("it becomes ready by itself, and survives one failure but not two in a row", async () => {
  const answers = [broken, broken, ok, broken, ok, broken, broken, ok];
  let round = 0;
  const over = Promise.withResolvers<void>();
  const { readiness, heard } = create({
    a: () => {
      const answer = answers[round++];
      if (answer === undefined) over.resolve();
      return (answer ?? ok)();
    },
  });
  await readiness.start();
  await over.promise;
  expect(heard).toEqual([false, true, false, true]);
});

test("with patience it stays ready while nothing holds, not for longer, and shows what fails", async () => {
  const answers = [ok, ...Array(6).fill(broken), ok, ...Array(3).fill(broken), ok];
  const seen: boolean[] = [];
  const over = Promise.withResolvers<void>();
  const { readiness, heard } = create(
    {
      a: () => {
        const { ready, checks } = readiness.report();
        if (checks.a === "failed") seen.push(ready);
        const answer = answers.shift();
        if (answer === undefined) over.resolve();
        return (answer ?? ok)();
      },
    },
    { needs: "any", patience: 4 },
  );
  await readiness.start();
  await over.promise;
  // The first failure is none yet; then three rounds are borne, and the fourth is not.
  expect(seen).toEqual([true, true, true, false, false, true, true]);
  expect(heard).toEqual([true, false, true]);
});

test("a check that ignores its timeout is told by its signal and is not started twice", async () => {
  const signals: AbortSignal[] = [];
  let otherRounds = 0;
  const { readiness } = create({
    a: (signal) => {
      signals.push(signal);
      return never();
    },
    b: async () => void otherRounds++,
  });
  await readiness.start();
  await expect.poll(() => otherRounds).toBeGreaterThan(3);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test("a check that fails is told once for each reason, and again after it has passed", async () => {
  const down = () => Promise.reject(new Error("down"));
  const wrong = () => Promise.reject(new Error("wrong password"));
  const answers = [down, down, wrong, wrong, ok, down, down, down, ok];
  const over = Promise.withResolvers<void>();
  const { readiness, warned } = create({
    a: () => {
      const answer = answers.shift();
      if (answer === undefined) over.resolve();
      return (answer ?? ok)();
    },
  });
  await readiness.start();
  await over.promise;
  expect(warned).toEqual(["down", "wrong password", "down"]);
});

test("a drain makes it not ready for good and asks no more", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let asked = 0;
  const { readiness, heard } = create({ a: async () => void asked++ });
  await readiness.start();
  readiness.drain();
  const before = asked;
  expect(readiness.report()).toEqual({ ready: false, draining: true, checks: { a: "ok" } });
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toBe(before);
  expect(heard).toEqual([true]);
});

function create(checks: Readonly<Record<string, Check>>, more: { needs?: "any"; patience?: number } = {}) {
  const heard: boolean[] = [];
  const warned: string[] = [];
  const write = (line: string) => void warned.push(JSON.parse(line).err.message);
  const readiness = createReadiness({
    checks,
    intervalMs: 1,
    timeoutMs: 20,
    logger: createLogger({ name: "test", level: "warn", destination: { write } }),
    onChange: (ready) => heard.push(ready),
    ...more,
  });
  onTestFinished(() => readiness.drain());
  return { readiness, heard, warned };
}
