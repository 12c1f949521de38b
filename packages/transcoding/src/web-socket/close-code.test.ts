import { expect, test } from "vitest";
import { closeReason } from "./close-code.ts";

test("a reason fits into a close frame, and is cut between characters", () => {
  expect(closeReason("no such thing")).toBe("no such thing");
  expect(closeReason("x".repeat(123))).toHaveLength(123);
  expect(closeReason("x".repeat(124))).toHaveLength(123);
  const cut = closeReason("ü".repeat(100));
  expect(cut).toBe("ü".repeat(61));
  expect(closeReason("\ud800")).toBe("\ufffd");
});
