import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createTestAuthority, implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";

import type { Interceptor } from "./call.ts";
import { createClient } from "./client.ts";
import { createMetadata, type Metadata } from "./metadata.ts";
import { createServer } from "./server.ts";
import type { ClientTls, ServerTls } from "./tls.ts";

const authority = createTestAuthority();
const stranger = createTestAuthority("another root");
const localhost = authority.issue(["localhost", "127.0.0.1"]);
const order = authority.issue(["spiffe://tenon/order"]);

async function serve(tls: ServerTls, interceptors: Interceptor[] = []): Promise<number> {
  const greeting = implementPart(greeterv1.GreetingService, {
    greet: async ({ name }) => ({ message: `Hello ${name}` }),
    async *listGreetings() {},
    recordGreetings: async () => ({}),
    async *chatGreetings() {},
  });
  const server = createServer({ services: [greeting], interceptors, tls });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server.listen({ host: "127.0.0.1", port: 0 });
}

/** The answer of a call, or the code it failed with. */
async function call(port: number, tls?: ClientTls, metadata?: Metadata): Promise<string> {
  const client = createClient(greeterv1.GreetingService, { target: `127.0.0.1:${port}`, tls });
  onTestFinished(() => client.close());
  return client.greet({ name: "John" }, { timeoutMs: 5000, ...(metadata && { metadata }) }).then(
    ({ message }) => message,
    (error) => error.code,
  );
}

const ca = authority.cert;

test("a client that trusts the server's root is answered", async () => {
  expect(await call(await serve(localhost), { ca })).toBe("Hello John");
});

test("one that does not, or that speaks no TLS, is not", async () => {
  const port = await serve(localhost);
  for (const tls of [{}, { ca: stranger.cert }, undefined]) expect(await call(port, tls)).toBe("UNAVAILABLE");
});

test("a certificate for another name is refused", async () => {
  expect(await call(await serve(authority.issue(["user.example"])), { ca })).toBe("UNAVAILABLE");
});

for (const [host, name] of [
  ["127.0.0.1", false],
  ["localhost", "localhost"],
] as const) {
  test(`a client of ${host} asks for ${name || "no name"} (RFC 6066: an address is none)`, async () => {
    const server = createTlsServer({ ...localhost, ALPNProtocols: ["h2"] });
    onTestFinished(() => void server.close());
    const shaken = once(server, "secureConnection");
    await once(server.listen(0, "127.0.0.1"), "listening");
    const target = `${host}:${(server.address() as AddressInfo).port}`;
    const client = createClient(greeterv1.GreetingService, { target, tls: { ca } });
    onTestFinished(() => client.close());
    const leave = new AbortController();
    const left = client.greet({ name: "John" }, { signal: leave.signal }).catch((error) => error.code);
    const [socket] = (await shaken) as [TLSSocket];
    expect((socket as unknown as { servername: string | false }).servername).toBe(name);
    leave.abort();
    socket.destroy();
    expect(await left).toBe("CANCELLED");
  });
}

for (const [clientCertificate, none] of [
  [undefined, "UNAVAILABLE"],
  ["required", "UNAVAILABLE"],
  ["optional", "Hello John"],
] as const) {
  test(`a client's certificate that is ${clientCertificate ?? "asked for"}`, async () => {
    const port = await serve({ ...localhost, ca, clientCertificate });
    expect(await call(port, { ca, ...order })).toBe("Hello John");
    expect(await call(port, { ca })).toBe(none);
    expect(await call(port, { ca, ...stranger.issue(["spiffe://tenon/order"]) })).toBe("UNAVAILABLE");
  });
}

for (const [minVersion, agreed] of [
  [undefined, "ERR"],
  ["TLSv1.3", "ERR"],
  ["TLSv1.2", "TLSv1.2"],
] as const) {
  test(`a client of TLS 1.2 at a server from ${minVersion ?? "no version said"}`, async () => {
    const port = await serve({ ...localhost, minVersion });
    const socket = connect({ port, host: "127.0.0.1", ca, maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] });
    onTestFinished(() => void socket.destroy());
    const outcome = await new Promise((resolve) => {
      socket.once("secureConnect", () => resolve(socket.getProtocol()));
      socket.once("error", () => resolve("ERR"));
    });
    expect(outcome).toBe(agreed);
  });
}

test("what cannot be used is refused before anything listens or connects", () => {
  const start = (tls: ServerTls) => () => createServer({ services: [], tls });
  expect(start({ cert: localhost.cert, key: order.key })).toThrow(
    /^tls: certificate, key or ca cannot be used: .*mismatch/,
  );
  expect(start({ cert: Buffer.from("no PEM"), key: order.key })).toThrow(/^tls: certificate, key or ca cannot be used/);
  expect(start({ ...localhost, clientCertificate: "required" })).toThrow(/^tls: clientCertificate needs ca/);
  const connectWith = (tls: ClientTls) => () => createClient(greeterv1.GreetingService, { target: "localhost:1", tls });
  expect(connectWith({ cert: order.cert })).toThrow("tls: cert and key belong together");
  expect(connectWith({ ca, cert: order.cert, key: localhost.key })).toThrow(/^tls: certificate, key or ca/);
});

/** The names that the server finds in the certificate of a client, which says more of itself in a header. */
async function namesSeen(tls: ServerTls, client?: ClientTls): Promise<readonly (readonly string[])[]> {
  const seen: (readonly string[])[] = [];
  const port = await serve(tls, [(call) => ({ onStart: () => void seen.push(call.peerUris) })]);
  const metadata = createMetadata({ "x-forwarded-client-cert": "URI=spiffe://tenon/order" });
  for (let n = 0; n < 2; n++) expect(await call(port, client, metadata)).toBe("Hello John");
  return seen;
}

test("a client's certificate is known by its URI names, all of them, on each call of its connection", async () => {
  const mutual = { ...localhost, ca };
  const names = async (...alternatives: string[]) => namesSeen(mutual, { ca, ...authority.issue(alternatives) });
  const uri = "spiffe://tenon/order";
  expect(await names(uri)).toEqual([[uri], [uri]]);
  expect(await names("order.example", uri, "127.0.0.1", "https://a.b/c")).toEqual(
    Array(2).fill([uri, "https://a.b/c"]),
  );
  expect(await names("order.example")).toEqual([[], []]);
});

test("a name that is written to look like several is one", async () => {
  const odd = "https://a/, URI:spiffe://tenon/order";
  expect(await namesSeen({ ...localhost, ca }, { ca, ...authority.issue([odd]) })).toEqual([[odd], [odd]]);
});

test("without a certificate there are no names, whatever a header says", async () => {
  expect(await namesSeen({ ...localhost, ca, clientCertificate: "optional" }, { ca })).toEqual([[], []]);
});
