import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JWK } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { currentCall } from "../current-call.ts";
import { startGreeter } from "../greeter-fixture.ts";
import { propagation } from "../propagation.ts";
import { createFileKeySource, createKeySource, type KeySourceOptions } from "./key-source.ts";
import { createTestClock, createTestKey } from "./token-fixture.ts";

const one = createTestKey("one");
const two = createTestKey("two");

/** A source over keys that the test changes, whose fetches it counts, fails and holds. */
function createRig(options: Partial<KeySourceOptions> = {}) {
  const clock = createTestClock();
  const issuer = {
    keys: [one.public] as unknown[],
    down: false,
    fetches: 0,
    held: undefined as Promise<void> | undefined,
  };
  const source = createKeySource({
    now: clock.now,
    fetch: async () => {
      issuer.fetches += 1;
      await issuer.held;
      if (issuer.down) throw new Error("issuer at 10.0.0.7 is down");
      return { keys: issuer.keys as JWK[] };
    },
    ...options,
  });
  /** Lets a refresh that nobody waits for come to its end. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, issuer, source, settled };
}

test("nothing is fetched before the first use, and all who wait share one fetch", async () => {
  const { source, issuer } = createRig();
  expect(issuer.fetches).toBe(0);
  const found = await Promise.all(Array.from({ length: 50 }, () => source.find("one")));
  expect(found.every((key) => key?.type === "public")).toBe(true);
  expect(issuer.fetches).toBe(1);
});

test("an unknown key is asked for once in five seconds, however many ids are invented", async () => {
  const { source, issuer, clock } = createRig();
  await source.load();
  clock.advance(5_000);
  for (let n = 0; n < 100; n++) expect(await source.find(`invented-${n}`)).toBeUndefined();
  expect(issuer.fetches).toBe(2);
  issuer.keys = [one.public, two.public];
  clock.advance(5_000);
  expect(await source.find("two")).toBeDefined();
});

test("old keys are renewed on use, without waiting", async () => {
  const { source, issuer, clock, settled } = createRig();
  await source.load();
  issuer.keys = [two.public];
  clock.advance(300_000);
  expect(source.current("one")).toBeDefined();
  await settled();
  expect(source.current("one")).toBeUndefined();
  expect(source.current("two")).toBeDefined();
  expect(issuer.fetches).toBe(2);
});

test("a key that stays the same is the same object after a refresh", async () => {
  const { source, clock, settled } = createRig();
  const before = await source.find("one");
  clock.advance(300_000);
  source.current("one");
  await settled();
  expect(source.current("one")).toBe(before);
});

test("while the issuer is down the old keys serve, for a day", async () => {
  const { source, issuer, clock, settled } = createRig();
  await source.load();
  issuer.down = true;
  for (let hour = 0; hour < 23; hour++) {
    clock.advance(3_600_000);
    expect(await source.find("one")).toBeDefined();
    await settled();
  }
  clock.advance(3_600_000);
  await expect(source.find("one")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  issuer.down = false;
  clock.advance(5_000);
  expect(await source.find("one")).toBeDefined();
});

test("an issuer that is down is asked once in five seconds", async () => {
  const { source, issuer, clock } = createRig();
  issuer.down = true;
  for (let n = 0; n < 20; n++) {
    await expect(source.find("one")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "tokens cannot be verified now",
    });
  }
  expect(issuer.fetches).toBe(1);
  issuer.down = false;
  clock.advance(5_000);
  expect(await source.find("one")).toBeDefined();
});

test("an issuer that does not answer is given up in time", async () => {
  let aborted = false;
  const source = createKeySource({
    fetchTimeoutMs: 10,
    fetch: (signal) =>
      new Promise(() => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
      }),
  });
  await expect(source.load()).rejects.toThrow("keys did not arrive in 10 ms");
  expect(aborted).toBe(true);
});

const rsa = { kty: "RSA", kid: "rsa", n: "AQAB", e: "AQAB" };
const SETS: [what: string, set: unknown, ids: string[]][] = [
  [
    "keys of other types, curves, algorithms and uses are passed over",
    {
      keys: [
        rsa,
        { ...one.public, crv: "X25519" },
        { ...one.public, alg: "ES256" },
        { ...one.public, use: "enc" },
        { ...one.public, kid: undefined },
        two.public,
      ],
    },
    ["two"],
  ],
  ["an empty set has no keys", { keys: [] }, []],
];
for (const [what, set, ids] of SETS) {
  test(what, async () => {
    const source = createKeySource({ fetch: async () => set as never });
    await source.load();
    expect(["one", "two", "rsa"].filter((id) => source.current(id))).toEqual(ids);
  });
}

const many = Array.from({ length: 101 }, (_, n) => ({ ...one.public, kid: `${n}` }));
for (const [what, set] of [
  ["null", null],
  ["a list", []],
  ["keys that are no list", { keys: "one" }],
  ["a key of three bytes", { keys: [{ ...one.public, x: "AAAA" }] }],
  ["more than a hundred keys", { keys: many }],
] as const) {
  test(`a set of ${what} is refused and the old keys stay`, async () => {
    let answer: unknown = { keys: [one.public] };
    const source = createKeySource({ fetch: async () => answer as never });
    await source.load();
    answer = set;
    await expect(source.load()).rejects.toThrow();
    expect(source.current("one")).toBeDefined();
  });
}

test("a fetch runs on no call's behalf, so that the end of one call does not end it for others", async () => {
  const seen: unknown[] = [];
  const source = createKeySource({
    fetch: async () => {
      seen.push(currentCall());
      return { keys: [] };
    },
  });
  const { greetings } = await startGreeter({ server: [propagation()], inHandler: () => source.load() });
  await greetings.greet({ name: "Ada" });
  expect(seen).toEqual([undefined]);
});

test("a file is read again when it has changed, and a broken one leaves the old keys", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenon-keys-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "jwks.json");
  const source = createFileKeySource({ path });
  await expect(source.load()).rejects.toThrow("ENOENT");
  await writeFile(path, JSON.stringify({ keys: [one.public] }));
  await source.load();
  await writeFile(path, "{");
  await expect(source.load()).rejects.toThrow(SyntaxError);
  expect(source.current("one")).toBeDefined();
  await writeFile(path, JSON.stringify({ keys: [two.public] }));
  await source.load();
  expect(source.current("one")).toBeUndefined();
});
