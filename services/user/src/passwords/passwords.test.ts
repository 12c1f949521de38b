import { describe, expect, test } from "vitest";
import { CHEAP, PASSWORD } from "../user-fixture.ts";
import { createPasswords, preparePassword } from "./passwords.ts";

const passwords = createPasswords({ cost: CHEAP });
const field = "new_password";

describe("the same password", () => {
  for (const [name, one, two] of [
    ["composed or not", "Åäö password", "A\u030aa\u0308o\u0308 password"],
    ["with any kind of space", "correct horse battery", "correct\u00a0horse\u2003battery"],
  ] as const) {
    test(name, async () => {
      const hash = await passwords.hash(one, { field });
      expect(await passwords.verify(two, hash, {})).toEqual({ matches: true });
    });
  }
});

describe("not the same password", () => {
  for (const [one, two] of [
    ["passwordﬁ12345", "passwordfi12345"],
    ["password² 12345", "password2 12345"],
    ["Password 12345", "password 12345"],
    [" password 12345", "password 12345"],
  ] as const) {
    test(`${one} and ${two}`, () => expect(preparePassword(one)).not.toBe(preparePassword(two)));
  }
});

describe("a new password is refused", () => {
  for (const [name, password] of [
    ["empty", ""],
    ["of 11 characters", "a".repeat(11)],
    ["of 11 characters that are 22 code units", "𝒜".repeat(11)],
    ["of 12 that are 11 once composed", `${"a".repeat(10)}a\u0308`],
    ["of 129 characters", "a".repeat(129)],
    ["with a control character", "password\u000012345"],
    ["with a line end", "password 12345\n"],
  ] as const) {
    test(name, async () => {
      await expect(passwords.hash(password, { field })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        violations: [{ field }],
      });
    });
  }
});

for (const length of [12, 128]) {
  test(`${length} characters, each of two code units, are a password`, async () => {
    const password = "𝒜".repeat(length);
    expect(await passwords.verify(password, await passwords.hash(password, { field }), {})).toEqual({ matches: true });
  });
}

test("a password that could not be one is wrong, not an error", async () => {
  const hash = await passwords.hash(PASSWORD, { field });
  for (const password of ["", "short", "with\u0000null"]) {
    expect(await passwords.verify(password, hash, {})).toEqual({ matches: false });
  }
});

test("nobody's password takes a turn as somebody's does, and is never right", async () => {
  let turns = 0;
  const run = <T>(work: () => Promise<T>) => {
    turns++;
    return work();
  };
  const counted = createPasswords({ cost: CHEAP, queue: { run } });
  for (const hash of [undefined, await passwords.hash(PASSWORD, { field })]) {
    turns = 0;
    expect(await counted.verify("wrong password", hash, {})).toEqual({ matches: false });
    expect(turns).toBe(1);
  }
});

test("a hash by older parameters comes back anew, once", async () => {
  const old = await createPasswords({ cost: { ...CHEAP, passes: 2 } }).hash(PASSWORD, { field });
  const { matches, betterHash } = await passwords.verify(PASSWORD, old, {});
  expect(matches).toBe(true);
  expect(await passwords.verify(PASSWORD, betterHash, {})).toEqual({ matches: true });
  expect(await passwords.verify("wrong password", old, {})).toEqual({ matches: false });
});
