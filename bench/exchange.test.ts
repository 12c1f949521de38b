import { create, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { framesOf, grpcExchange, jsonExchange, toFrame } from "./exchange.ts";

const METHOD = { name: "Wait", parent: { typeName: "a.B" }, input: DurationSchema, output: TimestampSchema };
const answer = (seconds: bigint) => toFrame(toBinary(TimestampSchema, create(TimestampSchema, { seconds })));

test("a call has its path, and its request in one frame", () => {
  const { path, body } = grpcExchange(METHOD, { seconds: 1n }, []);
  expect(path).toBe("/a.B/Wait");
  expect(body).toEqual(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
});

for (const [what, body, accepted] of [
  ["the two answers", Buffer.concat([answer(1n), answer(2n)]), true],
  ["one answer of two", answer(1n), false],
  ["the answers in another order", Buffer.concat([answer(2n), answer(1n)]), false],
  ["an answer too many", Buffer.concat([answer(1n), answer(2n), answer(2n)]), false],
  ["no answer", Buffer.alloc(0), false],
] as const) {
  test(`${what} ${accepted ? "are accepted" : "is not accepted"}`, () => {
    expect(grpcExchange(METHOD, {}, [{ seconds: 1n }, { seconds: 2n }]).accepts(body)).toBe(accepted);
  });
}

test("a body is split into its messages, empty ones too", () => {
  const messages = ["", "abc", "x".repeat(70_000)].map((text) => Buffer.from(text));
  expect(framesOf(Buffer.concat(messages.map(toFrame)))).toEqual(messages);
});

for (const [what, body] of [
  ["cut off in its prefix", Buffer.from([0, 0, 0])],
  ["cut off in its message", answer(1n).subarray(0, -1)],
  ["compressed", Buffer.from([1, 0, 0, 0, 0])],
] as const) {
  test(`a body that is ${what} is an error`, () => {
    expect(() => framesOf(body)).toThrow(/no message begins|is cut off/);
  });
}

test("a stream in JSON is one object a line", () => {
  const { accepts } = jsonExchange("/v1/x", {}, [{ a: 1 }, { a: 2 }]);
  expect(accepts(Buffer.from('{"a":1}\n{"a":2}\n'))).toBe(true);
  expect(accepts(Buffer.from('{"a":1}\n'))).toBe(false);
});
