import { defaultReportMessage } from "fast-check";
import { afterAll, expect, test } from "vitest";
import { withConnect } from "../connect/with-connect.ts";
import { compileThings, createThings } from "../things-fixture.ts";
import { createTranscoder } from "../transcoder.ts";
import { fuzz } from "./fuzz.ts";
import { fuzzRpc } from "./fuzz-rpc.ts";
import { fuzzSockets } from "./fuzz-sockets.ts";

const things = createThings({ service: compileThings() });
afterAll(() => things.close());
const transcoder = createTranscoder({ backends: [things] });
const { handle } = transcoder;

test("whatever is sent is answered by whose fault it is, in time that grows with its length", async () => {
  const { hostile, pumped } = await fuzz({ handle, seed: 1, runs: { hostile: 2000, pumped: 60 } });
  expect(defaultReportMessage(hostile) ?? "").toBe("");
  expect(defaultReportMessage(pumped) ?? "").toBe("");
}, 180_000);

test("whatever is sent to Connect and gRPC-Web is told by whose fault it is", async () => {
  const report = await fuzzRpc(withConnect(transcoder), { seed: 1, numRuns: 2000 });
  expect(defaultReportMessage(report) ?? "").toBe("");
}, 180_000);

test("whatever is sent through a WebSocket ends with a close that blames nobody here, and every call ends", async () => {
  const report = await fuzzSockets(things, { seed: 1, numRuns: 300 });
  expect(defaultReportMessage(report) ?? "").toBe("");
}, 180_000);

test("a fault of ours behind a 200 is found", async () => {
  const broken = async () => ({ status: 200, headers: {}, body: "", outcome: { error: new Error("ours") } });
  expect((await fuzzRpc(broken, { seed: 1, numRuns: 1 })).failed).toBe(true);
});

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
}, 180_000);
