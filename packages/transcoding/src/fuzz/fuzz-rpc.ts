import {
  type Arbitrary,
  array,
  asyncProperty,
  check,
  constant,
  constantFrom,
  json,
  nat,
  oneof,
  option,
  type RunDetails,
  record,
  string,
  uint8Array,
} from "fast-check";
import { REFUSED } from "../connect/told-outcome.ts";
import { codeOf } from "../error-response.ts";
import type { HandleRequest } from "../http-message.ts";
import { answer, assertAnswer, type FuzzLimits, runsOf } from "./fuzz.ts";
import type { HostileRequest } from "./hostile-requests.ts";

/** Sends what a stranger may send to Connect and gRPC-Web. What the client is told is never a fault of ours, in frames neither. */
export const fuzzRpc = (handle: HandleRequest, limits: FuzzLimits): Promise<RunDetails<[HostileRequest]>> =>
  check(
    asyncProperty(rpcRequests, async (request) => {
      const told = await answer(handle, request);
      assertAnswer(told);
      const { error } = told.outcome ?? {};
      const code = error === undefined ? "OK" : codeOf(error);
      // Frames that do not decode are INTERNAL to Connect's handlers, as they are to gRPC (doc/statuscodes.md).
      if (code === "INTERNAL" && (error as Error).message === REFUSED) return;
      if (OURS.includes(code)) throw new Error(`told as ${code}: ${told.body}`, { cause: error });
    }),
    runsOf(limits),
  );

const OURS = ["INTERNAL", "UNKNOWN", "DATA_LOSS"];

const METHODS = ["GetThing", "Search", "Echo", "UpdateThing", "Watch", "Record", "Export", "Import", "Chat", "Nope"];
const TYPES = ["json", "proto", "connect+json", "connect+proto", "grpc-web", "grpc-web+json", "grpc-web-text", "grpc"];
const odd = string({ unit: "binary", maxLength: 12 });

/** Most are as they should be, so that what is wrong further in is reached. */
const seldom = <T>(arbitrary: Arbitrary<T>, right: T) => oneof({ weight: 9, arbitrary: constant(right) }, arbitrary);

const headers: Arbitrary<Record<string, string>> = record({
  "content-type": oneof({ weight: 9, arbitrary: constantFrom(...TYPES).map((type) => `application/${type}`) }, odd),
  "content-encoding": seldom(constantFrom("gzip", "br", "snappy"), ""),
  "connect-content-encoding": seldom(constantFrom("gzip", "br", "snappy"), "identity"),
  "grpc-encoding": seldom(constantFrom("gzip", "snappy"), "identity"),
  "connect-protocol-version": seldom(constantFrom("2", ""), "1"),
  "connect-timeout-ms": seldom(oneof(constantFrom("-1", "99999999999", ""), odd), "1000"),
  "grpc-timeout": seldom(oneof(constantFrom("-1S", "999999999H"), odd), "1S"),
  "x-key-bin": seldom(oneof(constant("?"), odd), "AQI="),
});

const bytesOf = (text: string) => new TextEncoder().encode(text);
const contents = oneof(
  json().map(bytesOf),
  constantFrom('{"text":"a"}', '{"text":5}', "{}", "", "[[[[", '{"text":"a","text":"b"}').map(bytesOf),
  uint8Array({ maxLength: 40 }),
);

/** With flags that are not known, ends in the wrong place, and lengths that are not so. */
const frames = record({
  flags: constantFrom(0, 0, 0, 1, 2, 3, 0x80, 0x81, 0xff),
  content: contents,
  lie: option(constantFrom(0, 3, 2 ** 20, 2 ** 32 - 1), { nil: undefined, freq: 4 }),
}).map(({ flags, content, lie }) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(lie ?? content.byteLength, 1);
  return Buffer.concat([head, content]);
});

const bodies = oneof(
  contents,
  array(frames, { maxLength: 4 }).map((all) => new Uint8Array(Buffer.concat(all))),
  array(frames, { maxLength: 4 }).map((all) => bytesOf(Buffer.concat(all).toString("base64"))),
);

const rpcRequests: Arbitrary<HostileRequest> = record({
  method: constantFrom("POST", "POST", "POST", "GET", "PUT"),
  path: constantFrom(...METHODS).map((name) => `/things.v1.ThingService/${name}`),
  query: oneof(
    constantFrom("", "connect=v1&encoding=json&message={}", "connect=v1&encoding=proto&base64=1&message=?"),
    odd,
  ),
  headers,
  body: option(bodies, { nil: undefined, freq: 9 }),
  breaksAt: option(nat(40), { nil: undefined, freq: 9 }),
});
