import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { connect } from "node:net";
import { create, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { standsStill } from "@tenon/testing";
import { expect, test } from "vitest";
import type { HttpRequest } from "../http-message.ts";
import { serveThings, until, within } from "../things-port-fixture.ts";
import { openSocket, rawSocket, refused } from "./socket-fixture.ts";

const CHAT = "/v1/things:chat";
const plain = await serveThings({ maxBodyBytes: 1000 });

test("messages go both ways as they come, in JSON", async () => {
  const { socket, received, closed } = await openSocket(plain.url + CHAT, ["transcoding.v1+json"]);
  expect(socket.protocol).toBe("transcoding.v1+json");
  socket.send('{"text":"a"}');
  await until(() => received.length === 1);
  socket.send('{"long_value":"9007199254740993"}');
  await until(() => received.length === 2);
  socket.send("");
  expect(await closed).toEqual({ code: 1000, reason: "" });
  expect(received).toEqual(['{"text":"a"}', '{"longValue":"9007199254740993"}']);
  expect(plain.things.lastCall()?.status?.code).toBe("OK");
});

test("messages go both ways in protobuf", async () => {
  const { socket, received, closed } = await openSocket(plain.url + CHAT, ["other", "transcoding.v1+proto"]);
  expect(socket.protocol).toBe("transcoding.v1+proto");
  const { input } = plain.things.service.method.chat as (typeof plain.things.service.methods)[0];
  socket.send(toBinary(input, create(input, { text: "ü" } as Record<string, unknown>)));
  socket.send(Buffer.alloc(0)); // a message whose fields are all empty
  await until(() => received.length === 2);
  socket.send("");
  expect(await closed).toMatchObject({ code: 1000 });
  expect(received.map((data) => (fromBinary(input, data as Buffer) as unknown as { text: string }).text)).toEqual([
    "ü",
    "",
  ]);
});

test("the WebSocket of browsers is served, without a subprotocol", async () => {
  const socket = new WebSocket(plain.url.replace("http", "ws") + CHAT);
  await once(socket, "open");
  socket.send('{"text":"a"}');
  const [message] = await once(socket, "message");
  expect(message.data).toBe('{"text":"a"}');
  socket.send("");
  const [{ code, wasClean }] = await once(socket, "close");
  expect({ code, wasClean }).toEqual({ code: 1000, wasClean: true });
});

test("a stream of responses is sent message by message, for path and query", async () => {
  const { received, closed } = await openSocket(`${plain.url}/v1/things/1:watch?after_version=1`);
  expect(await closed).toMatchObject({ code: 1000 });
  expect(received).toEqual(['{"name":"things/1","version":"2"}', '{"name":"things/1","version":"3"}']);
});

test("a stream of requests is sent message by message, and answered by one", async () => {
  const came: string[] = [];
  const { url, things } = await serveThings({ record: ({ text }) => came.push(String(text)) });
  for (const protocol of ["transcoding.v1+json", "transcoding.v1+proto"]) {
    const { socket, received, closed } = await openSocket(`${url}/v1/things:record`, [protocol]);
    const { input } = things.service.method.record as (typeof things.service.methods)[0];
    for (const text of ["a", "b"]) {
      const message = create(input, { text } as Record<string, unknown>);
      socket.send(protocol.endsWith("json") ? toJsonString(input, message) : toBinary(input, message));
      await until(() => came.at(-1) === text);
    }
    expect(received).toEqual([]);
    socket.send("");
    expect(await closed).toMatchObject({ code: 1000 });
    expect(received.length).toBe(1);
  }
  expect(came).toEqual(["a", "b", "a", "b"]);
});

test("a client that leaves before it has said the end has sent nothing that is whole", async () => {
  let came = 0;
  const { url, things } = await serveThings({
    record: () => {
      came += 1;
    },
  });
  const { socket } = await openSocket(`${url}/v1/things:record`);
  socket.send('{"text":"a"}');
  await until(() => came === 1);
  socket.close();
  await until(() => things.lastCall()?.status !== undefined);
  expect(things.lastCall()?.status?.code).toBe("CANCELLED");
});

for (const [what, path, messages, code, reason] of [
  ["a message that is no JSON", CHAT, ["{"], 4003, "JSON_INVALID"],
  ["a message with a wrong field", CHAT, ['{"text":5}'], 4003, "REQUEST_INVALID"],
  ["a key twice", CHAT, ['{"text":"a","text":"b"}'], 4003, "JSON_INVALID"],
  ["a query where there is no one message", `${CHAT}?text=a`, [], 4003, "QUERY_INVALID"],
  ["an unknown parameter", "/v1/things/1:watch?nope=1", [], 4003, "REQUEST_INVALID"],
] as const) {
  test(`${what} ends the call, which its last message and its close code tell`, async () => {
    const { socket, received, closed } = await openSocket(plain.url + path);
    for (const message of messages) socket.send(message);
    expect(await closed).toMatchObject({ code });
    const { error } = JSON.parse(String(received.at(-1)));
    expect(error).toMatchObject({
      code: code - 4000,
      details: expect.arrayContaining([expect.objectContaining({ reason })]),
    });
  });
}

for (const [what, protocol, path, messages, code] of [
  ["bytes where text is spoken", "transcoding.v1+json", CHAT, [Buffer.from("{}")], 1003],
  ["text where protobuf is spoken", "transcoding.v1+proto", CHAT, ["{}"], 1003],
  ["a message after the end", "transcoding.v1+json", CHAT, ["", "{}"], 1002],
  ["a message to a method that takes none", "transcoding.v1+json", "/v1/things/1:watch", ["{}"], 1002],
  ["a message that is too large", "transcoding.v1+json", CHAT, ["x".repeat(1001)], 1009],
] as const) {
  test(`${what} closes with ${code}, and the call is cancelled`, async () => {
    const held = Promise.withResolvers<void>();
    const { url, things } = await serveThings({
      maxBodyBytes: 1000,
      async *watch() {
        await held.promise;
        yield {};
      },
      async *chat(requests) {
        for await (const request of requests) yield request;
        await held.promise;
      },
    });
    const { socket, closed } = await openSocket(url + path, [protocol]);
    await until(() => things.lastCall() !== undefined);
    for (const message of messages) socket.send(message);
    expect(await closed).toMatchObject({ code });
    await until(() => things.lastCall()?.status !== undefined);
    expect(things.lastCall()?.status?.code).toBe("CANCELLED");
    held.resolve();
  });
}

test("credentials and metadata of the upgrade go to the backend, and its time is the deadline", async () => {
  const { socket, received, closed } = await openSocket(plain.url + CHAT, [], {
    headers: { authorization: "Bearer t", "grpc-metadata-x-tenant": "blue", "grpc-timeout": "200m" },
  });
  socket.send("{}");
  await until(() => received.length === 1);
  expect(plain.things.lastCall()?.requestMetadata.getMap()).toMatchObject({
    authorization: "Bearer t",
    "x-tenant": "blue",
  });
  expect(await closed).toMatchObject({ code: 4004 });
});

for (const [what, path, protocols, options, status, reason] of [
  ["an origin that is not allowed", CHAT, [], { origin: "https://evil.example" }, 403, "ORIGIN_NOT_ALLOWED"],
  ["an origin that is none", CHAT, [], { origin: "null" }, 403, "ORIGIN_NOT_ALLOWED"],
  ["a subprotocol that is not known", CHAT, ["soap"], {}, 400, "SUBPROTOCOL_UNKNOWN"],
  ["a method that has no stream", "/v1/things/1", [], {}, 200, undefined],
  ["a path that is not encoded well", "/v1/things/%zz:watch", [], {}, 400, "PATH_INVALID"],
  ["a path that is not there", "/nothing", [], {}, 404, "ROUTE_NOT_FOUND"],
  ["metadata that is none", CHAT, [], { headers: { "grpc-metadata-x-bin": "?" } }, 400, "HEADER_INVALID"],
] as const) {
  test(`${what} is not upgraded: ${status}`, async () => {
    const answer = await refused(plain.url + path, [...protocols], options);
    expect(answer.status).toBe(status);
    if (reason) expect(answer.json).toMatchObject({ details: [{ reason }] });
  });
}

test("pages of the same host may connect, and those that are named", async () => {
  const { url } = await serveThings({ sockets: { isOriginAllowed: (origin) => origin === "https://app.example" } });
  for (const origin of [url, "https://app.example"]) {
    const { socket, closed } = await openSocket(url + CHAT, [], { origin });
    socket.send("");
    expect(await closed).toMatchObject({ code: 1000 });
  }
  expect(await refused(url + CHAT, [], { origin: "https://app.example.evil.example" })).toMatchObject({ status: 403 });
});

test("a plain GET is asked to upgrade", async () => {
  const response = await fetch(plain.url + CHAT, { signal: within() });
  expect(response.status).toBe(426);
  expect(response.headers.get("upgrade")).toBe("websocket");
  await response.text();
});

test("a client that has left cancels the call", async () => {
  const { url, things } = await serveThings();
  for (const leave of ["close", "terminate"] as const) {
    const { socket, received } = await openSocket(url + CHAT);
    socket.send("{}");
    await until(() => received.length === 1);
    socket[leave]();
    await until(() => things.lastCall()?.status !== undefined);
    expect(things.lastCall()?.status?.code).toBe("CANCELLED");
  }
});

test("a client that does not answer a ping is let go, one that does stays", async () => {
  const sockets = { pingIntervalMs: 20, pongTimeoutMs: 1000 };
  const { url, things, port } = await serveThings({ sockets });
  const answering = await openSocket(url + CHAT);
  const silent = await rawSocket(port, CHAT);
  silent.resume();
  await once(silent, "close", { signal: within() });
  await until(() => things.lastCall()?.status !== undefined);
  expect(things.lastCall()?.status?.code).toBe("CANCELLED");
  answering.socket.send("{}");
  await until(() => answering.received.length === 1);
  answering.socket.terminate();
});

test("a slow client holds the backend back", async () => {
  const big = "x".repeat(100_000);
  const { url, things } = await serveThings({
    async *watch() {
      for (let version = 1n; version <= 300n; version++) yield { thing: { name: big, version } };
    },
  });
  const { socket, received, closed } = await openSocket(`${url}/v1/things/1:watch`);
  socket.pause();
  expect(await standsStill(things.watched)).toBeLessThan(250);
  socket.resume();
  await until(() => received.length === 300);
  expect(await closed).toMatchObject({ code: 1000 });
}, 60_000);

test("a slow backend holds the client back, and nothing is lost", async () => {
  const go = Promise.withResolvers<void>();
  let taken = 0;
  const { url } = await serveThings({
    async *chat(requests) {
      for await (const { text } of requests) {
        taken += 1;
        await go.promise;
        if (text.length === 1) yield { intValue: taken };
      }
    },
  });
  const { socket, received, closed } = await openSocket(url + CHAT);
  const big = JSON.stringify({ text: "x".repeat(100_000) });
  let sent = 0;
  const all = 200;
  for (let index = 0; index < all; index++) socket.send(big, () => (sent += 1));
  socket.send('{"text":"x"}');
  socket.send("");
  expect(await standsStill(() => sent)).toBeLessThan(all);
  go.resolve();
  expect(await closed).toMatchObject({ code: 1000 });
  expect(received).toEqual([`{"intValue":${all + 1}}`]);
}, 60_000);

test("a server that goes tells so to every client", async () => {
  const { url, webSockets } = await serveThings();
  const { received, closed } = await openSocket(url + CHAT);
  webSockets.end(new StatusError("UNAVAILABLE", "connect again", { reason: "DRAINING" }));
  expect(await closed).toEqual({ code: 4014, reason: "connect again" });
  expect(JSON.parse(String(received.at(-1)))).toMatchObject({ error: { code: 14, details: [{ reason: "DRAINING" }] } });
});

test("each is observed once: what was upgraded by its call, what was not by its status", async () => {
  const ends: unknown[] = [];
  const context = new AsyncLocalStorage<string>();
  const inside: unknown[] = [];
  const observe = (request: HttpRequest) => ({
    request: { ...request, headers: { ...request.headers, "x-request-id": "given" } },
    run: (work: () => void) => context.run("observed", work),
    onEnd: (end: unknown) => void ends.push(end),
  });
  const { url, port, things } = await serveThings({
    sockets: { observe },
    async *chat(requests) {
      inside.push(context.getStore());
      for await (const request of requests) yield request;
    },
  });
  const { socket, closed } = await openSocket(url + CHAT);
  socket.send("");
  await closed;
  await until(() => ends.length === 1);
  expect(ends[0]).toMatchObject({ status: 101, outcome: { error: undefined }, route: { httpMethod: "GET" } });
  expect(inside).toEqual(["observed"]);
  expect(things.lastCall()?.requestMetadata.get("x-request-id")).toEqual(["given"]);
  await refused(url + CHAT, ["soap"]);
  await until(() => ends.length === 2);
  expect(ends[1]).toMatchObject({ status: 400, route: undefined });
  const broken = connect({ port, host: "127.0.0.1" });
  broken.end(`GET ${CHAT} HTTP/1.1\r\nhost: here\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`);
  broken.resume();
  await until(() => ends.length === 3);
  expect(ends[2]).toMatchObject({ status: 400 });
});
