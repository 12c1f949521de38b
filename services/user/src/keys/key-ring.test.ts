import { generateKeyPairSync } from "node:crypto";
import { createManualClock } from "@tenon/testing";
import { expect, test } from "vitest";
import { createKeyRing, type SigningKey } from "./key-ring.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const key = (kid: string, signsFrom: Date | null): SigningKey => ({ kid, x: "x", privateKey, signsFrom });

function ring(initial: readonly SigningKey[]) {
  const clock = createManualClock();
  const source = { keys: initial, loads: 0, failure: undefined as Error | undefined };
  const errors: unknown[] = [];
  const load = async () => {
    source.loads++;
    if (source.failure) throw source.failure;
    return source.keys;
  };
  const keys = createKeyRing({ load, now: clock.now, refreshAfterMs: 1000, onError: (error) => errors.push(error) });
  return { clock, source, errors, keys };
}

test("the key that began last signs, the next one does not yet", async () => {
  const { clock, keys } = ring([
    key("old", new Date("2025-01-01")),
    key("present", new Date("2025-12-01")),
    key("next", new Date("2026-02-01")),
    key("shown", null),
  ]);
  expect((await keys.signer(clock.now())).kid).toBe("present");
  expect((await keys.signer(new Date("2026-02-01"))).kid).toBe("next");
  expect((await keys.signer(new Date("2024-01-01"))).kid).toBe("old");
  expect((await keys.list()).map(({ kid }) => kid)).toEqual(["old", "present", "next", "shown"]);
});

test("a public key signs nothing", async () => {
  const { clock, keys } = ring([{ kid: "public", x: "x", signsFrom: new Date(0) }]);
  await expect(keys.signer(clock.now())).rejects.toThrow("no key to sign");
});

test("keys are loaded once for all who ask, and again when they are old", async () => {
  const { clock, source, keys } = ring([key("a", new Date(0))]);
  await Promise.all([keys.list(), keys.list(), keys.signer(clock.now())]);
  expect(source.loads).toBe(1);
  source.keys = [key("b", new Date(0))];
  clock.advance(999);
  expect((await keys.signer(clock.now())).kid).toBe("a");
  clock.advance(1);
  expect((await keys.signer(clock.now())).kid).toBe("b");
  expect(source.loads).toBe(2);
});

test("known keys serve on while they cannot be loaded, and the source is spared", async () => {
  const { clock, source, errors, keys } = ring([key("a", new Date(0))]);
  await keys.list();
  source.failure = new Error("down");
  clock.advance(1000);
  for (let call = 0; call < 5; call++) expect(await keys.list()).toHaveLength(1);
  expect(errors).toEqual([source.failure]);
  expect(source.loads).toBe(2);
});

test("without any key yet a failure shows, and the next call tries again", async () => {
  const { source, keys } = ring([key("a", new Date(0))]);
  source.failure = new Error("down");
  await expect(keys.list()).rejects.toThrow("down");
  source.failure = undefined;
  expect(await keys.list()).toHaveLength(1);
});
