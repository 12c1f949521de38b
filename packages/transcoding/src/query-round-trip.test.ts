import { type DescMessage, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  type Arbitrary,
  array,
  asyncProperty,
  bigInt,
  boolean,
  assert as check,
  constantFrom,
  date,
  dictionary,
  double,
  float,
  integer,
  record,
  string,
  uint8Array,
} from "fast-check";
import { afterAll, expect, test } from "vitest";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

const service = compileThings();
const things = createThings({ service });
afterAll(() => things.close());
const { handle } = createTranscoder({ backends: [things] });
const everything = service.method.search?.input as DescMessage;

const int64 = bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const int32 = integer();
const color = constantFrom("COLOR_RED", "COLOR_GREEN");
/** Whatever text there is, lone surrogates excepted, which neither UTF-8 nor protobuf has. */
const text = string({ unit: "binary", maxLength: 12 }).filter((one) => one.isWellFormed());
/** What ends a key in a query. */
const key = text.filter((one) => !one.includes("]"));
const instant = date({
  min: new Date("0001-01-01T00:00:00Z"),
  max: new Date("9999-12-31T00:00:00Z"),
  noInvalidDate: true,
});

/** JSON.stringify writes no sign of a zero. */
function isWritten(number: number): boolean {
  return !Object.is(number, -0);
}

const fields: Record<string, Arbitrary<JsonValue>> = {
  text,
  intValue: int32,
  longValue: int64,
  uintValue: integer({ min: 0, max: 2 ** 32 - 1 }),
  ulongValue: uint64,
  doubleValue: double({ noNaN: true, noDefaultInfinity: true }).filter(isWritten),
  floatValue: float({ noNaN: true, noDefaultInfinity: true }).filter(isWritten),
  flag: boolean(),
  data: uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  color,
  nested: record({ cityName: text, number: int32, deeper: record({ cityName: text }) }),
  words: array(text, { maxLength: 4 }),
  longs: array(int64, { maxLength: 4 }),
  colors: array(color, { maxLength: 4 }),
  labels: dictionary(key, text, { maxKeys: 4 }),
  counts: dictionary(key, int64, { maxKeys: 4 }),
  when: instant.map((one) => one.toISOString()),
  span: bigInt({ min: -(10n ** 11n), max: 10n ** 11n }).map((seconds) => `${seconds}s`),
  wrappedText: text,
  wrappedLong: int64,
  wrappedFlag: boolean(),
  left: text,
};

/** As a client writes it who knows http.proto: leaves by their path, elements one by one, maps by their keys. */
function toQuery(json: JsonObject, prefix = ""): [string, string][] {
  return Object.entries(json).flatMap(([name, value]): [string, string][] => {
    const path = `${prefix}${name}`;
    if (Array.isArray(value)) return value.map((one) => [path, String(one)]);
    if (typeof value !== "object" || value === null) return [[path, String(value)]];
    if (!["labels", "counts"].includes(name)) return toQuery(value, `${path}.`);
    return Object.entries(value).map(([inside, one]) => [`${path}[${inside}]`, String(one)]);
  });
}

const encode = (pairs: [string, string][]): string =>
  pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");

test("16: what is written into a query arrives as what it was in JSON, an int64 as text to its last digit", async () => {
  await check(
    asyncProperty(record(fields, { requiredKeys: [] }) as Arbitrary<JsonObject>, async (json) => {
      const answer = await handle({
        method: "GET",
        url: `/v1/things:search?${encode(toQuery(json))}`,
        headers: {},
        signal: AbortSignal.timeout(2000),
      });
      expect({ status: answer.status, body: JSON.parse(answer.body as string) }).toEqual({
        status: 200,
        body: toJson(everything, fromJson(everything, json)),
      });
    }),
    { numRuns: 500 },
  );
});
