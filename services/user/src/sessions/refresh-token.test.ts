import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  hashRefreshToken,
  isIssued,
  readRefreshToken,
  SECRET_BYTES,
  sealRefreshToken,
  succeedRefreshToken,
  writeRefreshToken,
} from "./refresh-token.ts";

const sessionId = "0199a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
const key = randomBytes(SECRET_BYTES);
const token = sealRefreshToken(sessionId, randomBytes(SECRET_BYTES), key);

test("a token reads as it was written", () => {
  const read = readRefreshToken(writeRefreshToken(token));
  expect(read).toEqual(token);
  expect(read && isIssued(read, key)).toBe(true);
});

test("the successor is the same each time, and another one by another key", () => {
  const successor = writeRefreshToken(succeedRefreshToken(token, key));
  expect(writeRefreshToken(succeedRefreshToken(token, key))).toBe(successor);
  expect(writeRefreshToken(succeedRefreshToken(token, randomBytes(SECRET_BYTES)))).not.toBe(successor);
  expect(successor).not.toBe(writeRefreshToken(token));
});

test("what is stored of a token is neither the token nor its successor", () => {
  const stored = hashRefreshToken(token);
  const text = writeRefreshToken(token);
  expect(Buffer.from(text, "base64url").includes(stored)).toBe(false);
  expect(hashRefreshToken(succeedRefreshToken(token, key))).not.toEqual(stored);
});

test("a token that was made up is not issued", () => {
  expect(isIssued({ ...token, secret: randomBytes(SECRET_BYTES) }, key)).toBe(false);
  expect(isIssued(token, randomBytes(SECRET_BYTES))).toBe(false);
});

describe("no token", () => {
  for (const text of [
    "",
    "token",
    `${writeRefreshToken(token)}A`,
    writeRefreshToken(token).slice(1),
    "=".repeat(107),
  ]) {
    test(JSON.stringify(text).slice(0, 30), () => expect(readRefreshToken(text)).toBeUndefined());
  }
});
