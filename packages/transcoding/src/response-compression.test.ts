import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { brotliDecompressSync, createGunzip, gunzipSync, zstdDecompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import type { HttpResponse } from "./http-message.ts";
import { toNodeListener } from "./node-listener.ts";
import { withCompression } from "./response-compression.ts";
import { within } from "./things-port-fixture.ts";

const TEXT = JSON.stringify(Array.from({ length: 200 }, (_, index) => ({ name: `thing ${index}` })));
const go = Promise.withResolvers<void>();

async function* events() {
  yield "data: 1\n\n";
  await go.promise;
  yield "data: 2\n\n";
}
async function* broken() {
  yield "data: 1\n\n";
  throw new Error("half way");
}

const json = { "content-type": "application/json" };
const answers: Record<string, () => Partial<HttpResponse>> = {
  "/json": () => ({ body: TEXT, headers: { ...json, etag: '"7"', vary: "origin", "content-length": "9999" } }),
  "/bytes": () => ({ body: Buffer.from(TEXT) }),
  "/small": () => ({ body: "{}" }),
  "/random": () => ({ body: Buffer.from(crypto.getRandomValues(new Uint8Array(5000))) }),
  "/picture": () => ({ body: TEXT, headers: { "content-type": "image/png" } }),
  "/connect": () => ({ body: TEXT, headers: { "content-type": "application/connect+json" } }),
  "/encoded": () => ({ body: TEXT, headers: { ...json, "content-encoding": "gzip" } }),
  "/asis": () => ({ body: TEXT, headers: { ...json, "cache-control": "no-transform" } }),
  "/events": () => ({ body: events(), headers: { "content-type": "text/event-stream" } }),
  "/broken": () => ({ body: broken(), headers: { "content-type": "text/event-stream" } }),
};
const handle = withCompression(async ({ url }) => ({ status: 200, headers: json, body: "", ...answers[url]?.() }));
const server = createServer(toNodeListener(handle)).listen(0, "127.0.0.1");
await once(server, "listening");
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Without the decoding that fetch does. */
async function ask(path: string, accept?: string): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  const headers = accept === undefined ? {} : { "accept-encoding": accept };
  const [response] = await once(get({ port, path, headers, agent: false, signal: within() }), "response");
  return response;
}

const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

for (const [coding, decode] of Object.entries(DECODERS)) {
  for (const path of ["/json", "/bytes"]) {
    test(`${path} is sent in ${coding} to who accepts it`, async () => {
      const response = await ask(path, coding);
      const body = await buffer(response);
      expect(response.headers["content-encoding"]).toBe(coding);
      expect(response.headers["content-length"]).toBe(String(body.byteLength));
      expect(body.byteLength).toBeLessThan(TEXT.length / 4);
      expect(decode(body).toString()).toBe(TEXT);
    });
  }
}

test("caches are told, and an etag is weak: the bytes are others", async () => {
  const { headers } = await ask("/json", "gzip");
  expect(headers).toMatchObject({ vary: "origin, accept-encoding", etag: 'W/"7"' });
  const plain = await ask("/json");
  expect(plain.headers).toMatchObject({ vary: "origin, accept-encoding", etag: '"7"' });
});

for (const [accept, coding] of [
  ["gzip, deflate, br, zstd", "zstd"],
  ["gzip, deflate, br", "br"],
  ["gzip;q=1.0, br;q=0.5", "gzip"],
  ["*", "zstd"],
  ["*, zstd;q=0", "br"],
  ["gzip;q=0", undefined],
  ["deflate", undefined],
  ["identity", undefined],
  ["", undefined],
  ["nonsense;;;q=x,,", undefined],
] as const) {
  test(`"${accept}" is answered in ${coding ?? "plain"}`, async () => {
    const response = await ask("/json", accept);
    expect(response.headers["content-encoding"]).toBe(coding);
    await buffer(response);
  });
}

for (const [path, encoding] of [
  ["/small", undefined],
  ["/random", undefined],
  ["/picture", undefined],
  ["/connect", undefined],
  ["/encoded", "gzip"],
  ["/asis", undefined],
] as const) {
  test(`${path} is left as it is`, async () => {
    const response = await ask(path, "zstd, gzip");
    expect(response.headers["content-encoding"]).toBe(encoding);
    await buffer(response);
  });
}

test("an answer that lasts is compressed once for each coding, whoever asks at the same time", async () => {
  const answer: HttpResponse = { status: 200, headers: json, body: TEXT, lasting: true };
  const lasting = withCompression(async () => answer);
  const bodyIn = async (coding: string) => {
    const headers = { "accept-encoding": coding };
    return (await lasting({ method: "GET", url: "/", headers, signal: within() })).body as Uint8Array;
  };
  const [first, second, other] = await Promise.all(["gzip", "gzip", "br"].map(bodyIn));
  expect(second).toBe(first);
  expect(await bodyIn("gzip")).toBe(first);
  expect(gunzipSync(first as Uint8Array).toString()).toBe(TEXT);
  expect(brotliDecompressSync(other as Uint8Array).toString()).toBe(TEXT);
});

test("each part of a stream is sent when it is there", async () => {
  const response = await ask("/events", "gzip");
  expect(response.headers["content-encoding"]).toBe("gzip");
  const text = response.pipe(createGunzip());
  const [first] = await once(text, "data", { signal: within() });
  expect(String(first)).toBe("data: 1\n\n");
  go.resolve();
  const [second] = await once(text, "data", { signal: within() });
  expect(String(second)).toBe("data: 2\n\n");
  await once(text, "end");
});

for (const [coding, decode] of Object.entries(DECODERS)) {
  test(`a stream in ${coding} is whole`, async () => {
    const response = await ask("/events", coding);
    expect(decode(await buffer(response)).toString()).toBe("data: 1\n\ndata: 2\n\n");
  });
}

test("a stream that breaks off does not look whole", async () => {
  const response = await ask("/broken", "gzip");
  await expect(buffer(response)).rejects.toThrow("aborted");
});
