import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { serveThings, until, within } from "./things-port-fixture.ts";

const plain = await serveThings();

for (const [what, type, body] of [
  ["lines", "application/x-ndjson", '{"text":"a"}\n\n{"text":"ü"}\r\n{"text":"c"}'],
  ["an array", "application/json", ' [ {"text":"a"}, {"text":"ü","words":["]},["]} ,\n{"text":"c"} ] \n'],
  ["lines, as curl says them", "application/x-www-form-urlencoded", '{"text":"a"}\n{"text":"ü"}\n{"text":"c"}\n'],
] as const) {
  for (const size of [1, 7, 1000]) {
    test(`a stream of requests in ${what}, ${size} bytes at a time`, async () => {
      const bytes = Buffer.from(body);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      const response = await upload(plain.url, chunks, { "content-type": type });
      expect(await response.json()).toEqual({ words: ["a", "ü", "c"] });
    });
  }
}

const upload = (
  url: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  headers: Record<string, string>,
) =>
  fetch(`${url}/v1/things:record`, {
    method: "POST",
    headers,
    body: ReadableStream.from(chunks),
    duplex: "half",
    signal: within(),
  });

for (const [what, type, body, status, reason] of [
  ["nothing", "application/x-ndjson", "", 200, undefined],
  ["an empty array", "application/json", "[]", 200, undefined],
  ["an array without end", "application/json", '[{"text":"a"}', 400, "JSON_INVALID"],
  ["an array with a gap", "application/json", '[{"text":"a"},,{}]', 400, "JSON_INVALID"],
  ["an array with a comma at its end", "application/json", '[{"text":"a"},]', 400, "JSON_INVALID"],
  ["something after the array", "application/json", '[{"text":"a"}] {}', 400, "JSON_INVALID"],
  ["a line that is cut off", "application/x-ndjson", '{"text":"a"}\n{"te', 400, "JSON_INVALID"],
  ["a wrong field", "application/x-ndjson", '{"text":"a"}\n{"text":5}\n', 400, "REQUEST_INVALID"],
  ["bytes that are no text", "application/x-ndjson", Buffer.from([0x22, 0xff, 0x22]), 400, "JSON_INVALID"],
  ["another type", "text/csv", "a,b", 415, "UNSUPPORTED_MEDIA_TYPE"],
] as const) {
  test(`a stream of requests that is ${what} is ${status}`, async () => {
    const response = await upload(plain.url, [Buffer.from(body)], { "content-type": type });
    const json = await response.json();
    expect({ status: response.status, json }).toMatchObject({ status });
    if (reason) expect(json).toMatchObject({ details: expect.arrayContaining([expect.objectContaining({ reason })]) });
  });
}

test("a message of a stream is bounded, the stream is not", async () => {
  const { url } = await serveThings({ maxBodyBytes: 100 });
  const line = Buffer.from(`{"text":"${"x".repeat(50)}"}\n`);
  const many = await upload(url, Array(50).fill(line), { "content-type": "application/x-ndjson" });
  expect(((await many.json()) as { words: string[] }).words).toHaveLength(50);
  const long = await upload(url, Array(50).fill(Buffer.from("x".repeat(50))), {
    "content-type": "application/x-ndjson",
  });
  expect(long.status).toBe(413);
});

for (const [type, first, last] of [
  ["application/x-ndjson", '{"text":"a"}\n', '{"text":"b"}\n'],
  ["application/json", '[{"text":"a"},', '{"text":"b"}]'],
] as const) {
  test(`requests reach the backend while the body still comes: ${type}`, async () => {
    const got: string[] = [];
    const { url } = await serveThings({ record: ({ text }) => got.push(text) });
    const go = Promise.withResolvers<void>();
    async function* chunks() {
      yield Buffer.from(first);
      await go.promise;
      yield Buffer.from(last);
    }
    const uploading = upload(url, chunks(), { "content-type": type });
    await until(() => got.length === 1);
    go.resolve();
    expect(await (await uploading).json()).toEqual({ words: ["a", "b"] });
  });
}

test("a stream of requests that stops half way is no end to it", async () => {
  const { port, things } = await serveThings();
  const headers = { "content-type": "application/x-ndjson", "transfer-encoding": "chunked" };
  const sent = httpRequest({ port, path: "/v1/things:record", method: "POST", headers, agent: false });
  sent.on("error", () => {});
  sent.write('{"text":"a"}\n');
  await until(() => things.lastCall()?.method.name === "Record");
  sent.destroy();
  await until(() => things.lastCall()?.status !== undefined);
  expect(things.lastCall()?.status?.code).toBe("CANCELLED");
});

test("a body that does not come in time is 408, one that is too large 413, and the connection ends", async () => {
  const { port } = await serveThings({ maxBodyBytes: 10, bodyTimeoutMs: 20 });
  for (const [length, status] of [
    [5, 408],
    [11, 413],
  ] as const) {
    const sent = httpRequest({
      port,
      path: "/v1/echo",
      method: "POST",
      headers: { "content-length": length },
      agent: false,
    });
    sent.on("error", () => {});
    sent.flushHeaders();
    const [response] = (await once(sent, "response", { signal: within() })) as [IncomingMessage];
    expect(response.statusCode).toBe(status);
    expect(response.headers.connection).toBe("close");
    sent.destroy();
  }
});
