import { createPrivateKey, createPublicKey, type JsonWebKey, sign, verify } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeDevelopmentKeys } from "./development-keys.ts";

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "tenon-keys-")), "keys");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

const services = ["order", "payment"];
const make = () => makeDevelopmentKeys({ directory, services });
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const keyFile = (name: string) => join(directory, `${name}.jwk.json`);

test("what a service signs is verified by the public key of its name", async () => {
  const { keyFiles, jwksFile } = await make();
  const { keys } = json(jwksFile) as { keys: JsonWebKey[] };
  expect(keys.map((key) => key.kid)).toEqual(services);
  for (const key of keys) {
    const text = Buffer.from("a token");
    const privateKey = createPrivateKey({ key: json(keyFiles[key.kid as string] as string), format: "jwk" });
    expect(verify(null, text, createPublicKey({ key, format: "jwk" }), sign(null, text, privateKey))).toBe(true);
  }
});

test("the public file holds no private part", async () => {
  expect(readFileSync((await make()).jwksFile, "utf8")).not.toContain('"d"');
});

test("only their owner reads them", async () => {
  await make();
  for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("the same keys serve again, without a word", async () => {
  await make();
  const before = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  const lines: string[] = [];
  await makeDevelopmentKeys({ directory, services, onProgress: (line) => lines.push(line) });
  expect(readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"))).toEqual(before);
  expect(lines).toEqual([]);
});

for (const [what, spoil] of [
  ["empty", () => ""],
  ["half-written", (text: string) => text.slice(0, text.length / 2)],
  ["another service's", () => readFileSync(keyFile("payment"), "utf8")],
  ["not a key", () => "{}"],
  ["of two halves", (text: string) => text.replace(/"x":"[^"]*"/, `"x":"${json(keyFile("payment")).x}"`)],
] as const) {
  test(`a key file that is ${what} is made anew, and the others stay`, async () => {
    await make();
    const [order, payment] = services.map((name) => readFileSync(keyFile(name), "utf8")) as [string, string];
    writeFileSync(keyFile("order"), spoil(order));
    const { jwksFile } = await make();
    expect(json(keyFile("order")).d).not.toBe(JSON.parse(order).d);
    expect(readFileSync(keyFile("payment"), "utf8")).toBe(payment);
    expect(json(jwksFile).keys[0].x).toBe(json(keyFile("order")).x);
  });
}

test("a public file that is not of these keys is made anew", async () => {
  const { jwksFile } = await make();
  const before = readFileSync(jwksFile, "utf8");
  writeFileSync(jwksFile, before.slice(0, 20));
  await make();
  expect(readFileSync(jwksFile, "utf8")).toBe(before);
});

test("a draft that a killed start left is in nobody's way", async () => {
  await make();
  rmSync(keyFile("order"));
  writeFileSync(`${keyFile("order")}.new`, "{", { mode: 0o644 });
  await make();
  expect(json(keyFile("order")).kid).toBe("order");
  expect(statSync(keyFile("order")).mode & 0o777).toBe(0o600);
});

test("a place that cannot be written is named, with the reason", async () => {
  writeFileSync(directory, "a file");
  await expect(make()).rejects.toThrow(new StartError(`${directory} cannot hold the services' keys: it is a file`));
});

test.skipIf(process.getuid?.() === 0)("keys of someone else are refused, not replaced", async () => {
  await make();
  chmodSync(keyFile("order"), 0);
  await expect(make()).rejects.toThrow("permission denied");
});
