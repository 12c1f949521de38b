import { expect, test } from "vitest";
import { CHEAP } from "../user-fixture.ts";
import { hashArgon2, OWASP_COST, unmatchableArgon2, verifyArgon2 } from "./argon2.ts";

test("a hash says how it was made, and never twice the same", async () => {
  const [one, two] = await Promise.all([hashArgon2("secret", OWASP_COST), hashArgon2("secret", OWASP_COST)]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z\d+/]{22}\$[A-Za-z\d+/]{43}$/);
  expect(two).not.toBe(one);
});

test("the password matches, another does not", async () => {
  const hash = await hashArgon2("secret", CHEAP);
  expect(await verifyArgon2("secret", hash, CHEAP)).toEqual({ matches: true, current: true });
  expect(await verifyArgon2("Secret", hash, CHEAP)).toEqual({ matches: false, current: true });
});

test("a hash of another cost still matches, and is told from today's", async () => {
  const hash = await hashArgon2("secret", CHEAP);
  expect(await verifyArgon2("secret", hash, { ...CHEAP, passes: 2 })).toEqual({ matches: true, current: false });
});

test("a cost is not taken for one that begins alike", async () => {
  const hash = await hashArgon2("secret", { ...CHEAP, parallelism: 1 });
  expect((await verifyArgon2("secret", hash, { ...CHEAP, parallelism: 10 })).current).toBe(false);
});

test("a hash of another maker holds: the test vector of argon2's reference, with salt somesalt", async () => {
  const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  expect((await verifyArgon2("password", hash, CHEAP)).matches).toBe(true);
});

test("the hash for nobody costs what a real one does, and is not matched", async () => {
  const shape = (hash: string) => hash.replaceAll(/\$[A-Za-z\d+/]{22,}/g, (part) => `$${part.length}`);
  expect(shape(unmatchableArgon2(OWASP_COST))).toBe(shape(await hashArgon2("secret", OWASP_COST)));
  expect((await verifyArgon2("", unmatchableArgon2(CHEAP), CHEAP)).matches).toBe(false);
});

for (const text of ["", "secret", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y", "$2b$12$abc"]) {
  test(`${JSON.stringify(text)} is no hash, and is not repeated in the error`, async () => {
    await expect(verifyArgon2("secret", text, CHEAP)).rejects.toThrow("not an argon2id PHC string");
  });
}
