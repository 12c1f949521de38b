import { once } from "node:events";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { expect, test } from "vitest";
import { startGreetings } from "./gateway-fixture.ts";

for (const [protocol, createTransport] of [
  ["Connect", createConnectTransport],
  ["gRPC-Web", createGrpcWebTransport],
] as const) {
  test(`a generated client of ${protocol} is served on the same port, and logged by its method`, async () => {
    const { url: baseUrl, lines } = await startGreetings();
    const client = createClient(greeterv1.GreetingService, createTransport({ baseUrl, httpVersion: "1.1" }));
    const header: string[] = [];
    const { message } = await client.greet(
      { name: "Ada" },
      { timeoutMs: 5000, onHeader: (headers) => header.push(headers.get("x-request-id") ?? "") },
    );
    expect(message).toBe("Hello Ada");
    expect(lines[0]?.facts).toMatchObject({
      "http.route": "/greeter.v1.GreetingService/Greet",
      "http.response.status_code": 200,
      request_id: header[0],
    });
  });
}

test("a close ends the streams of generated clients, too", async () => {
  const { url: baseUrl, gateway, held } = await startGreetings();
  const client = createClient(greeterv1.GreetingService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  const list = client.listGreetings({ names: ["Ada", "held"] }, { timeoutMs: 5000 })[Symbol.asyncIterator]();
  expect((await list.next()).value).toMatchObject({ message: "Hello Ada" });
  await list.next();
  await held;
  const closed = gateway.close({ graceMs: 5000 });
  await expect(list.next()).rejects.toMatchObject({ rawMessage: "the gateway is going: connect again" });
  await closed;
});

type Gateway = Awaited<ReturnType<typeof startGreetings>>;

const ask = async (url: string, init: RequestInit = {}) => {
  await (await fetch(url, { method: "POST", signal: AbortSignal.timeout(10_000), ...init })).text();
};
const typed = (type: string) => ({ "content-type": type });
const LIST = "/greeter.v1.GreetingService/ListGreetings";
const GREET = "/greeter.v1.GreetingService/Greet";
const LATE = JSON.stringify({ names: ["Ada", "fail"] });

/** What goes wrong by each protocol: the status that HTTP has for it, and the code that the client is told. */
for (const [what, status, code, send] of [
  [
    "REST",
    409,
    "ABORTED",
    ({ url }: Gateway) => ask(`${url}/v1/greet`, { body: '{"name":"fail"}', headers: typed("application/json") }),
  ],
  [
    "REST, in a stream",
    200,
    "ABORTED",
    ({ url }: Gateway) => ask(`${url}/v1/greetings?names=Ada&names=fail`, { method: "GET" }),
  ],
  ["REST, where no route is", 404, "NOT_FOUND", ({ url }: Gateway) => ask(`${url}/nothing`)],
  [
    "Connect",
    409,
    "ABORTED",
    ({ url }: Gateway) => ask(url + GREET, { body: '{"name":"fail"}', headers: typed("application/json") }),
  ],
  [
    "Connect, in a stream",
    200,
    "ABORTED",
    ({ url }: Gateway) => ask(url + LIST, { body: framed(LATE), headers: typed("application/connect+json") }),
  ],
  [
    "Connect, what is no JSON",
    400,
    "INVALID_ARGUMENT",
    ({ url }: Gateway) => ask(url + GREET, { body: "{", headers: typed("application/json") }),
  ],
  [
    "Connect, what is no JSON in a frame",
    200,
    "INVALID_ARGUMENT",
    ({ url }: Gateway) => ask(url + LIST, { body: framed("{"), headers: typed("application/connect+json") }),
  ],
  [
    "gRPC-Web",
    200,
    "ABORTED",
    ({ url }: Gateway) =>
      ask(url + GREET, { body: framed('{"name":"fail"}'), headers: typed("application/grpc-web+json") }),
  ],
  [
    "gRPC-Web in text, in a stream",
    200,
    "ABORTED",
    ({ url }: Gateway) =>
      ask(url + LIST, {
        body: Buffer.from(framed(LATE)).toString("base64"),
        headers: typed("application/grpc-web-text+json"),
      }),
  ],
  [
    "gRPC-Web, what is no message",
    200,
    "INVALID_ARGUMENT",
    ({ url }: Gateway) => ask(url + GREET, { body: framed("{"), headers: typed("application/grpc-web+json") }),
  ],
  [
    "a WebSocket",
    101,
    "ABORTED",
    async ({ url }: Gateway) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/v1/greetings:chat`);
      socket.onopen = () => socket.send('{"name":"fail"}');
      await once(socket, "close");
    },
  ],
] as const) {
  test(`an error by ${what} is counted with its code`, async () => {
    const gateway = await startGreetings();
    await send(gateway);
    await expect.poll(() => gateway.lines.length, { timeout: 10_000 }).toBe(1);
    expect(gateway.lines[0]?.facts).toMatchObject({ "http.response.status_code": status, "error.type": code });
    expect(await gateway.registry.metrics()).toContain(`http_response_status_code="${status}",error_type="${code}"} 1`);
  });
}

/** One frame of Connect or gRPC-Web. */
function framed(text: string): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return new Uint8Array(Buffer.concat([head, Buffer.from(text)]));
}
