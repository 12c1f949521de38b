import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { toFetch } from "./fetch-handler.ts";
import { serveThings, until, within } from "./things-port-fixture.ts";
import { createTranscoder } from "./transcoder.ts";

const as = (accept: string, more: Record<string, string> = {}) => ({ headers: { accept, ...more }, signal: within() });

const plain = await serveThings();

for (const [accept, contentType, text] of [
  [
    "application/x-ndjson",
    "application/x-ndjson",
    '{"name":"things/1","version":"1"}\n{"name":"things/1","version":"2"}\n{"name":"things/1","version":"3"}\n',
  ],
  [
    "*/*",
    "application/json",
    '[{"name":"things/1","version":"1"},\n{"name":"things/1","version":"2"},\n{"name":"things/1","version":"3"}]',
  ],
  [
    "text/event-stream",
    "text/event-stream",
    ':\n\nid: 1\ndata: {"name":"things/1","version":"1"}\n\nid: 2\ndata: {"name":"things/1","version":"2"}\n\nid: 3\ndata: {"name":"things/1","version":"3"}\n\nevent: end\ndata: {}\n\n',
  ],
] as const) {
  test(`a stream as ${accept}`, async () => {
    const response = await fetch(`${plain.url}/v1/things/1:watch`, as(accept));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(contentType);
    expect(await response.text()).toBe(text);
  });
}

test("a stream that takes up where the last event was", async () => {
  const resumed = await fetch(`${plain.url}/v1/things/1:watch`, as("text/event-stream", { "last-event-id": "2" }));
  expect(await resumed.text()).toBe(':\n\nid: 3\ndata: {"name":"things/1","version":"3"}\n\nevent: end\ndata: {}\n\n');
  const asked = await fetch(
    `${plain.url}/v1/things/1:watch?after_version=1`,
    as("text/event-stream", { "last-event-id": "2" }),
  );
  expect(await asked.text()).toContain("id: 2\n");
});

for (const [id, status] of [
  ["x", 400],
  ["-1", 400],
  ["99999999999999999999", 400],
  ["9999999999999999999", 400],
  ["", 200],
] as const) {
  test(`a last event "${id}" is ${status}`, async () => {
    const response = await fetch(`${plain.url}/v1/things/1:watch`, as("text/event-stream", { "last-event-id": id }));
    expect(response.status).toBe(status);
    await response.text();
  });
}

test("an empty stream is an empty array", async () => {
  const response = await fetch(`${plain.url}/v1/things/1:watch?after_version=9`, as("application/json"));
  expect(await response.text()).toBe("[]");
});

test("a stream that fails at once has the status of its error", async () => {
  const { url } = await serveThings({
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *watch() {
      throw new StatusError("PERMISSION_DENIED", "not yours", { reason: "NOT_ALLOWED" });
    },
  });
  const response = await fetch(`${url}/v1/things/1:watch`, as("text/event-stream"));
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ code: 7, message: "not yours" });
});

for (const [accept, end] of [
  ["application/x-ndjson", '\n{"error":{"code":10,"message":"later"}}\n'],
  ["application/json", ',\n{"error":{"code":10,"message":"later"}}]'],
  ["text/event-stream", '\n\nevent: error\ndata: {"code":10,"message":"later"}\n\n'],
] as const) {
  test(`a stream as ${accept} that fails later ends with its error`, async () => {
    const { url } = await serveThings({
      async *watch() {
        yield { thing: { version: 1n } };
        throw new StatusError("ABORTED", "later");
      },
    });
    const response = await fetch(`${url}/v1/things/1:watch`, as(accept));
    expect(response.status).toBe(200);
    expect((await response.text()).endsWith(end)).toBe(true);
  });
}

test("headers come before the first message, and heartbeats while nothing is said", async () => {
  const speak = Promise.withResolvers<void>();
  const { url } = await serveThings({
    settleMs: 1,
    heartbeatMs: 5,
    async *watch() {
      await speak.promise;
      yield { thing: { version: 1n } };
    },
  });
  const response = await fetch(`${url}/v1/things/1:watch`, as("text/event-stream"));
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.split(":\n\n").length > 4) speak.resolve();
  }
  expect(text).toMatch(/^(:\n\n){4,}id: 1\n/);
});

/** A response whose body nobody reads yet. */
async function open(port: number, path: string, accept: string): Promise<IncomingMessage> {
  const sent = httpRequest({ port, path, headers: { accept }, agent: false, signal: within() });
  sent.on("error", () => {}).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

test("a client that leaves ends the call, whether the stream speaks or not", async () => {
  for (const silent of [true, false]) {
    const { port, things } = await serveThings({
      settleMs: 1,
      async *watch(_request, call) {
        while (!silent) yield { thing: { displayName: "x".repeat(50_000) } };
        await once(call.signal, "abort");
      },
    });
    const response = await open(port, "/v1/things/1:watch", "text/event-stream");
    expect(things.lastCall()?.status).toBe(undefined);
    response.destroy();
    await until(() => things.lastCall()?.status !== undefined);
    expect(things.lastCall()?.status?.code).toBe("CANCELLED");
  }
});

test("a client that does not read holds the backend back", async () => {
  const { port, things } = await serveThings({
    async *watch() {
      while (true) yield { thing: { displayName: "x".repeat(50_000) } };
    },
  });
  const response = await open(port, "/v1/things/1:watch", "application/x-ndjson");
  response.pause();
  let before = -1;
  // What fills the buffers between is sent; then it stands still.
  while (things.watched() !== before) {
    before = things.watched();
    await sleep(150);
  }
  expect(before).toBeLessThan(1000);
  response.destroy();
  await until(() => things.lastCall()?.status !== undefined);
});

test("a web Response that nobody reads to its end ends the call", async () => {
  const { things } = await serveThings({
    async *watch(_request, call) {
      yield { thing: { version: 1n } };
      await once(call.signal, "abort");
    },
  });
  const fetchThings = toFetch(createTranscoder({ backends: [things] }).handle);
  const response = await fetchThings(new Request("http://here/v1/things/1:watch"));
  for await (const _ of response.body ?? []) break;
  await until(() => things.lastCall()?.status !== undefined);
  expect(things.lastCall()?.status?.code).toBe("CANCELLED");
});

test("HEAD of a stream has headers and no stream", async () => {
  const response = await fetch(`${plain.url}/v1/things/1:watch`, { method: "HEAD", ...as("text/event-stream") });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("");
  await until(() => plain.things.lastCall()?.status !== undefined);
});
