import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { compileThings, createThings } from "./things-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

interface Case {
  /** Which rule it shows, and whose. */
  from: string;
  send: string;
  with?: Record<string, string>;
  body?: unknown;
  /** A body that JSON.stringify would not write. */
  raw?: string;
  /** By default 200. */
  status?: number;
  json?: unknown;
  problem?: object;
  /** Of the error's ErrorInfo. */
  reason?: string;
  message?: string;
  /** Of the error's BadRequest, in their order. */
  fields?: string[];
  headers?: Record<string, string>;
}

const cases = JSON.parse(readFileSync(new URL("transcoding-cases.json", import.meta.url), "utf8")) as Case[];
const things = createThings({ service: compileThings() });
afterAll(() => things.close());
const { handle } = createTranscoder({ backends: [things] });

const detail = (body: { details?: { "@type": string }[] }, type: string) =>
  body.details?.find((one) => one["@type"] === `type.googleapis.com/google.rpc.${type}`);

for (const each of cases) {
  test(`${each.from}: ${each.send}`, async () => {
    const [method = "", url = ""] = each.send.split(" ", 2);
    const text = each.raw ?? (each.body === undefined ? undefined : JSON.stringify(each.body));
    const response = await handle({
      method,
      url,
      headers: each.with ?? {},
      body: text === undefined ? undefined : bytesOf(text),
      signal: AbortSignal.timeout(5000),
    });
    const body = typeof response.body === "string" && response.body !== "" ? JSON.parse(response.body) : undefined;
    expect({ status: response.status, body }).toMatchObject({ status: each.status ?? 200 });
    if (each.json !== undefined) expect(body).toEqual(each.json);
    if (each.reason !== undefined) expect(detail(body, "ErrorInfo")).toMatchObject({ reason: each.reason });
    if (each.message !== undefined) expect(body.message).toBe(each.message);
    if (each.problem !== undefined) expect(body).toMatchObject(each.problem);
    expect(response.headers).toMatchObject(each.headers ?? {});
    if (each.fields === undefined) return;
    const { fieldViolations } = detail(body, "BadRequest") as unknown as { fieldViolations: { field?: string }[] };
    expect(fieldViolations.map(({ field = "" }) => field)).toEqual(each.fields);
  });
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  // In two parts, for bodies come as they like.
  const bytes = Buffer.from(text);
  yield bytes.subarray(0, 3);
  yield bytes.subarray(3);
}
