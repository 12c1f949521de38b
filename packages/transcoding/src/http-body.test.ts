import { expect, test } from "vitest";
import { serveThings, within } from "./things-port-fixture.ts";

const { url } = await serveThings();
const send = (path: string, init: RequestInit & { duplex?: "half" } = {}) =>
  fetch(url + path, { signal: within(), ...init });
const bytesOf = async (response: Response) => [...new Uint8Array(await response.arrayBuffer())];

test("a response that is a body of its own is sent as it is, whatever is accepted", async () => {
  const response = await send("/v1/things/1/picture", { headers: { accept: "image/*" } });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/png"]);
  expect(await bytesOf(response)).toEqual([0x89, 0, 255]);
});

for (const [name, contentType] of [
  ["things/2", "that ends the header"],
  ["things/3", "that is none"],
]) {
  test(`a content type ${contentType} is not repeated`, async () => {
    const response = await send(`/v1/${name}/picture`);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("x-evil")).toBe(null);
    await response.arrayBuffer();
  });
}

const data = Buffer.from([0, 255, 10, 0x7b]);

test("a body that is the request goes to the backend as it is, and comes back", async () => {
  const response = await send("/v1/reflect", {
    method: "POST",
    body: data,
    headers: { "content-type": "application/pdf; version=2" },
  });
  expect(response.headers.get("content-type")).toBe("application/pdf; version=2");
  expect(await bytesOf(response)).toEqual([...data]);
});

test("a body that is a field of the request, beside path and query", async () => {
  const response = await send("/v1/things/1/picture?title=sun", {
    method: "PUT",
    body: data,
    headers: { "content-type": "image/png" },
  });
  expect(await response.json()).toEqual({
    name: "things/1",
    title: "sun",
    body: { contentType: "image/png", data: data.toString("base64") },
  });
  const swapped = await send("/v1/things/1:swap", { method: "POST", body: data });
  expect(await bytesOf(swapped)).toEqual([...data]);
});

test("no body is an empty one", async () => {
  const response = await send("/v1/things/1/picture", { method: "PUT" });
  expect(await response.json()).toEqual({ name: "things/1", body: {} });
});

test("the query binds nothing of a raw body", async () => {
  const response = await send("/v1/things/1/picture?body.data=AA==", { method: "PUT", body: data });
  expect(response.status).toBe(400);
  await response.text();
});

test("a stream of parts is one body, of the type that the first says", async () => {
  const response = await send("/v1/things/1:export");
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/csv"]);
  expect(await response.text()).toBe("a,b\n1,2\n");
});

test("a stream of parts that fails has its status at its start, and breaks off behind it", async () => {
  const none = await send("/v1/things/none:export");
  expect([none.status, await none.json()]).toMatchObject([404, { code: 5 }]);
  const half = await send("/v1/things/half:export");
  expect(half.status).toBe(200);
  await expect(half.text()).rejects.toThrow();
});

test("a body is a stream of parts of 64 KiB at most, of which the first has the type", async () => {
  const chunks = Array<Buffer>(10).fill(Buffer.alloc(100_000, "x"));
  const response = await send("/v1/things:import", {
    method: "POST",
    duplex: "half",
    body: ReadableStream.from(chunks),
    headers: { "content-type": "text/csv" },
  });
  const { contentType, size, parts } = (await response.json()) as Record<string, string>;
  expect({ contentType, size }).toEqual({ contentType: "text/csv", size: "1000000" });
  expect(Number(parts)).toBeGreaterThan(10);
});

test("a raw body is bounded like any other", async () => {
  const small = await serveThings({ maxBodyBytes: 100 });
  const response = await fetch(`${small.url}/v1/reflect`, {
    method: "POST",
    body: Buffer.alloc(101),
    signal: within(),
  });
  expect(response.status).toBe(413);
  await response.text();
});
