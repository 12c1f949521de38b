import { expect, test } from "vitest";
import { documentedErrors } from "./documented-errors.ts";

for (const [comment, expected] of [
  ["Places an order.", []],
  ["NOT_FOUND.", ["404 NOT_FOUND"]],
  ["NOT_FOUND (PRODUCT_NOT_FOUND).", ["404 NOT_FOUND PRODUCT_NOT_FOUND"]],
  [
    "FAILED_PRECONDITION:\nTOO_MUCH where less is left, NOT_PAID where it was not paid. ABORTED (ETAG_MISMATCH)",
    ["400 FAILED_PRECONDITION TOO_MUCH NOT_PAID", "409 ABORTED ETAG_MISMATCH"],
  ],
  ["NOT_FOUND (ONE_GONE), ABORTED, NOT_FOUND (TWO_GONE)", ["404 NOT_FOUND ONE_GONE TWO_GONE", "409 ABORTED"]],
  ["It ends CANCELLED or is OK; a state UNKNOWN, in `ABORTED` and NOT_FOUNDED", []],
] as const) {
  test(`errors told by ${JSON.stringify(comment)}`, () => {
    const told = documentedErrors(comment).map(({ status, code, reasons }) => [status, code, ...reasons].join(" "));
    expect(told).toEqual(expected);
  });
}
