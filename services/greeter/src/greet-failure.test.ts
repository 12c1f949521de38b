import { CODES, StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { toFailure } from "./greet-failure.ts";

const call = { target: "127.0.0.1:8080", timeoutMs: 5000, tls: false };

for (const [code, exitCode, words] of [
  ["UNAVAILABLE", 69, 'no greeter answers at 127.0.0.1:8080: is "make run" running?'],
  ["DEADLINE_EXCEEDED", 75, "no answer within 5000 ms"],
  ["INVALID_ARGUMENT", 64, "name is required"],
  ["UNIMPLEMENTED", 69, "what listens at 127.0.0.1:8080 is not a greeter"],
] as const) {
  test(`${code} is told with what to do, and exits ${exitCode}`, () => {
    const failure = toFailure(new StatusError(code, "name is required", { remote: true }), call);
    expect(failure).toEqual({ message: `${code}: ${words}`, exitCode });
  });
}

test("every other code is named and does not exit 0", () => {
  for (const code of CODES.filter((code) => code !== "OK")) {
    const { message, exitCode } = toFailure(new StatusError(code, "words", { remote: true }), call);
    expect(message.startsWith(`${code}: `)).toBe(true);
    expect(exitCode).toBeGreaterThan(0);
  }
});

test("what is not the status of a call is thrown on", () => {
  const bug = new TypeError("a bug");
  expect(() => toFailure(bug, call)).toThrow(bug);
});
