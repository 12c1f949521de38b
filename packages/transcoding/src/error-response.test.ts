import { type Code, StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { toldError } from "./error-response.ts";

const INSIDES = "connect ECONNREFUSED 10.0.0.7:5432,remote_addr=10.0.0.8:8082";

for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "INTERNAL", "UNKNOWN", "DATA_LOSS"] as Code[]) {
  test(`of ${code} that nobody gave a reason the text stays inside`, () => {
    const told = toldError(new StatusError(code, INSIDES));
    expect(told.code).toBe(code);
    expect(told.message).not.toContain("10.0.0");
  });
}

test("what a service meant to say is told as it said it", () => {
  for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INVALID_ARGUMENT"] as Code[]) {
    const error = new StatusError(code, "try the other door", { reason: "DOOR_CLOSED" });
    expect(toldError(error)).toBe(error);
  }
});
