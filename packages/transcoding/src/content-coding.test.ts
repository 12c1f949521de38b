import { Readable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { decoded } from "./content-coding.ts";
import { serveThings, within } from "./things-port-fixture.ts";

const MAX_BYTES = 100_000;
const { url } = await serveThings({ maxBodyBytes: MAX_BYTES });

const ENCODERS = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

const send = (path: string, body: Uint8Array, encoding: string, type = "application/json") =>
  fetch(url + path, {
    method: "POST",
    body: new Uint8Array(body),
    headers: { "content-type": type, "content-encoding": encoding },
    signal: within(),
  });

for (const [encoding, encode] of Object.entries(ENCODERS)) {
  test(`a body in ${encoding} is read`, async () => {
    const response = await send("/v1/echo", encode('{"text":"ü"}'), encoding);
    expect(await response.json()).toEqual({ text: "ü" });
  });

  test(`a stream of requests in ${encoding} is read`, async () => {
    const lines = encode('{"text":"a"}\n{"text":"b"}\n');
    const response = await send("/v1/things:record", lines, encoding, "application/x-ndjson");
    expect(await response.json()).toEqual({ words: ["a", "b"] });
  });

  test(`a bomb in ${encoding} is 413 before it has grown`, async () => {
    const bomb = encode(Buffer.alloc(20_000_000, " "));
    expect(bomb.byteLength).toBeLessThan(MAX_BYTES);
    let grown = 0;
    const grow = async () => {
      const headers = { "content-encoding": encoding };
      const request = { method: "POST", url: "/", headers, signal: within() };
      for await (const chunk of decoded(request, Readable.from([bomb]), MAX_BYTES)) grown += chunk.byteLength;
    };
    await expect(grow()).rejects.toMatchObject({ status: 413 });
    expect(grown).toBeLessThan(MAX_BYTES + 100 * bomb.byteLength);
    for (const path of ["/v1/echo", "/v1/reflect", "/v1/things:record"]) {
      const response = await send(path, bomb, encoding);
      expect(response.status).toBe(413);
      await response.text();
    }
  });

  for (const [what, body] of [
    ["that is not", Buffer.from('{"text":"a"}')],
    ["that stops half way", encode(JSON.stringify({ words: Array(500).fill("a") })).subarray(0, -5)],
  ] as const) {
    test(`a body said to be in ${encoding} ${what} is 400`, async () => {
      const response = await send("/v1/echo", body, encoding);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ details: [{ reason: "BODY_ENCODING_INVALID" }] });
    });
  }
}

test("a stream of requests may grow as far as text does", async () => {
  const line = (index: number) => `${JSON.stringify({ text: `thing ${index} of many` })}\n`;
  const lines = Array.from({ length: 20_000 }, (_, index) => line(index)).join("");
  expect(lines.length).toBeGreaterThan(5 * MAX_BYTES);
  const response = await send("/v1/things:record", gzipSync(lines), "gzip", "application/x-ndjson");
  expect(((await response.json()) as { words: string[] }).words).toHaveLength(20_000);
});

for (const encoding of ["snappy", "gzip, gzip", "gzip, br", "__proto__"]) {
  test(`the encoding ${encoding} is 415, which says what is taken`, async () => {
    const response = await send("/v1/echo", Buffer.from("{}"), encoding);
    expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "gzip, deflate, br, zstd"]);
    await response.text();
  });
}

test("identity is no encoding, in any case", async () => {
  const response = await send("/v1/echo", Buffer.from('{"text":"a"}'), "Identity");
  expect(await response.json()).toEqual({ text: "a" });
});
