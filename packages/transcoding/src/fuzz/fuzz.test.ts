import { defaultReportMessage } from "fast-check";
import { afterAll, expect, test } from "vitest";
import { compileThings, createThings } from "../things-fixture.ts";
import { createTranscoder } from "../transcoder.ts";
import { fuzz } from "./fuzz.ts";

const things = createThings({ service: compileThings() });
afterAll(() => things.close());
const { handle } = createTranscoder({ backends: [things] });

test("whatever is sent is answered by whose fault it is, in time that grows with its length", async () => {
  const { hostile, pumped } = await fuzz({ handle, seed: 1, runs: { hostile: 2000, pumped: 60 } });
  expect(defaultReportMessage(hostile) ?? "").toBe("");
  expect(defaultReportMessage(pumped) ?? "").toBe("");
}, 60_000);

for (const [what, broken] of [
  ["a fault of ours", { status: 500, headers: {}, body: "{}" }],
  ["a header with a line break", { status: 200, headers: { x: "a\r\nb" }, body: "" }],
  ["a stack", { status: 400, headers: {}, body: '{"message":"Error: at transcoder.ts:10"}' }],
] as const) {
  test(`${what} is found`, async () => {
    const { hostile } = await fuzz({ handle: async () => broken, seed: 1, runs: { hostile: 1, pumped: 1 } });
    expect(hostile.failed).toBe(true);
  });
}

test("time that grows with the square is found", async () => {
  const slow = async ({ url }: { url: string }) => {
    for (let left = (url.length / 40) ** 2; left > 0; left--) Math.sqrt(performance.now());
    return { status: 404, headers: {}, body: "{}" };
  };
  const { pumped } = await fuzz({ handle: slow, seed: 1, runs: { hostile: 1, pumped: 20 } });
  expect(pumped.failed).toBe(true);
}, 60_000);
