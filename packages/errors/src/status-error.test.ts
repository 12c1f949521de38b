import { expect, test } from "vitest";
import { CODES, fromCodeNumber, StatusError, toCodeNumber, toStatusError } from "./index.ts";

test("codes and numbers name each other", () => {
  for (const code of CODES) expect(fromCodeNumber(toCodeNumber(code))).toBe(code);
  expect(toCodeNumber("UNAUTHENTICATED")).toBe(16);
});

for (const number of [17, -1, 1.5, Number.NaN]) {
  test(`number ${number} is UNKNOWN`, () => expect(fromCodeNumber(number)).toBe("UNKNOWN"));
}

test("an error of our own is told as it is", () => {
  const error = new StatusError("NOT_FOUND", "no such order", { reason: "ORDER_NOT_FOUND" });
  expect(toStatusError(error)).toBe(error);
});

for (const code of ["DEADLINE_EXCEEDED", "CANCELLED", "UNAVAILABLE"] as const) {
  test(`a remote ${code} passes on without its text and details`, () => {
    const remote = new StatusError(code, "pool at 10.0.0.7", { remote: true, reason: "POOL" });
    const told = toStatusError(remote);
    expect(told).toMatchObject({ code, remote: false, reason: undefined, cause: remote });
    expect(told.message).not.toContain("10.0.0.7");
  });
}

for (const code of ["NOT_FOUND", "INVALID_ARGUMENT", "PERMISSION_DENIED"] as const) {
  test(`a remote ${code} is our INTERNAL`, () => {
    expect(toStatusError(new StatusError(code, "theirs", { remote: true }))).toMatchObject({
      code: "INTERNAL",
      message: "internal error",
    });
  });
}

for (const thrown of [new Error("password=hunter2"), "a string", undefined, null, { code: 5 }]) {
  test(`${String(thrown)} thrown is INTERNAL and says nothing`, () => {
    const told = toStatusError(thrown);
    expect(told).toMatchObject({ code: "INTERNAL", message: "internal error" });
    expect(told.cause).toBe(thrown);
  });
}
