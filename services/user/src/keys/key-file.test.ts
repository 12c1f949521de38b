import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readKeyFile } from "./key-file.ts";

async function keyFile(content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tenon-key-file-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "keys.json");
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const jwk = (kid?: string) => {
  const { d, ...key } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return { ...key, d, ...(kid && { kid }) };
};
const publicHalf = ({ d: _d, ...key }: ReturnType<typeof jwk>) => key;

test("a single JWK signs, under the name that its content gives it", async () => {
  const key = jwk();
  const [read, ...others] = await readKeyFile(await keyFile(key));
  expect(others).toEqual([]);
  expect(read).toMatchObject({ x: key.x, signsFrom: new Date(0), kid: expect.stringMatching(/^[\w-]{43}$/) });
});

test("of a set the first private key signs, all are there", async () => {
  const keys = [publicHalf(jwk("old")), jwk("present"), jwk("next")];
  const read = await readKeyFile(await keyFile({ keys }));
  expect(read.map(({ kid, signsFrom }) => [kid, signsFrom])).toEqual([
    ["old", null],
    ["present", new Date(0)],
    ["next", null],
  ]);
});

test("a public half that belongs to another key is not believed", async () => {
  const key = jwk("a");
  const [read] = await readKeyFile(await keyFile({ ...key, x: jwk().x }));
  expect(read?.x).toBe(key.x);
});

describe("a file is refused by its name, without its content", () => {
  const secret = jwk();
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
  for (const [name, content, why] of [
    ["that is no JSON", `${secret.d}{`, "neither a JWK nor a JWK set"],
    ["that holds something else", ["a"], "neither a JWK nor a JWK set"],
    ["with a key of another kind", ec, "no Ed25519 JWK"],
    ["with a broken key", { ...secret, d: "AAAA" }, "no Ed25519 JWK"],
    ["without a private key", { keys: [publicHalf(secret)] }, "no private key"],
    ["without a key", { keys: [] }, "no private key"],
  ] as const) {
    test(name, async () => {
      const path = await keyFile(content);
      const refused = await readKeyFile(path).catch((error) => error);
      expect(refused).toMatchObject({ name: "StartError", message: expect.stringContaining(why) });
      expect(refused.message).toContain(`SIGNING_KEY_FILE: ${path}`);
      expect(refused.message).not.toContain(secret.d);
    });
  }

  test("that is not there", async () => {
    await expect(readKeyFile("/nonexistent/keys.json")).rejects.toThrow("cannot be read (ENOENT)");
  });
});
