import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { startGreetings } from "./gateway-fixture.ts";

const within = () => AbortSignal.timeout(40_000);
const greet = (url: string, name: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/greet`, {
    method: "POST",
    body: JSON.stringify({ name }),
    headers: { "content-type": "application/json", ...headers },
    signal: within(),
  });

/** What comes back for these bytes, until the other side ends. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(bytes);
  const answer = await text(socket);
  socket.destroy();
  return answer;
}

test("the call of the readme", async () => {
  const { port } = await startGreetings();
  const body = '{"name":"John"}';
  const answer = await raw(
    port,
    `POST /v1/greet HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  expect(answer.endsWith('\r\n\r\n{"message":"Hello John"}')).toBe(true);
});

test("each answer is for the one who asked, is what it says, and names its request", async () => {
  const { url } = await startGreetings();
  const given = await greet(url, "Ada", { "x-request-id": "mine" });
  expect(Object.fromEntries(given.headers)).toMatchObject({
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-request-id": "mine",
  });
  const made = await greet(url, "Ada", { "x-request-id": "with space" });
  expect(made.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
});

test("a request is one line, by its route and id, and one count", async () => {
  const { url, lines, registry } = await startGreetings();
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await greet(url, "Ada", { "x-request-id": "r1", traceparent });
  await (await fetch(`${url}/v1/greetings?names=Ada&names=Eve`, { signal: within() })).text();
  await (await fetch(`${url}/made-up`, { signal: within() })).text();
  expect(lines.map(({ facts }) => [facts["http.route"], facts["http.response.status_code"]])).toEqual([
    ["/v1/greet", 200],
    ["/v1/greetings", 200],
    ["", 404],
  ]);
  expect(lines[0]?.facts).toMatchObject({
    request_id: "r1",
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    "http.request.method": "POST",
  });
  expect(lines[1]?.facts).not.toHaveProperty("trace_id");
  expect(JSON.stringify(lines)).not.toMatch(/Ada|made-up/);
  expect(await registry.metrics()).toContain(
    'http_server_request_duration_seconds_count{http_request_method="GET",http_route="",http_response_status_code="404",error_type="NOT_FOUND"} 1',
  );
});

for (const [what, bytes, status, said] of [
  ["no HTTP", "hello\r\n\r\n", 400, "not HTTP"],
  ["headers without end", `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, 431, "too large"],
  ["a header with a line break in it", "GET / HTTP/1.1\r\nhost: a\r\nx: a\rb: c\r\n\r\n", 400, "not HTTP"],
  [
    "two lengths",
    "POST /v1/greet HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    400,
    "not HTTP",
  ],
  [
    "a length and chunks",
    "POST /v1/greet HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
    "not HTTP",
  ],
] as const) {
  test(`${what} is ${status}, and the connection ends`, async () => {
    const { port } = await startGreetings();
    const answer = await raw(port, bytes);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain(said);
  });
}

test("headers that never end are 408", async () => {
  const { port } = await startGreetings({ headersTimeoutMs: 50 });
  expect(await raw(port, "GET / HTTP/1.1\r\nhost: a\r\n")).toContain("HTTP/1.1 408 ");
});

test("a close lets what was begun finish, on its connection", async () => {
  const { gateway, port, held, letGo } = await startGreetings();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = async (name: string) => {
    const sent = httpRequest({ port, path: "/v1/greet", method: "POST", agent, signal: within() });
    sent.end(JSON.stringify({ name }));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return { status: response.statusCode, connection: response.headers.connection, body: await text(response) };
  };
  expect(await send("Ada")).toMatchObject({ status: 200, connection: "keep-alive" });
  const last = send("held");
  await held;
  const closed = gateway.close({ graceMs: 5000 });
  letGo();
  expect(await last).toEqual({ status: 200, connection: "close", body: '{"message":"Hello held"}' });
  await closed;
  await expect(send("late")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("between the notice and the close every request is served, and told to go elsewhere", async () => {
  const { gateway, url } = await startGreetings();
  gateway.leave();
  for (let index = 0; index < 3; index++) {
    const response = await greet(url, "Ada");
    expect(response.status).toBe(200);
    expect(response.headers.get("connection")).toBe("close");
    await response.text();
  }
});

test("a close ends streams at once, and says that it was not the end", async () => {
  const { gateway, url, held } = await startGreetings();
  const response = await fetch(`${url}/v1/greetings?names=held`, {
    headers: { accept: "text/event-stream" },
    signal: within(),
  });
  const call = await held;
  const closed = gateway.close({ graceMs: 5000 });
  expect(await response.text()).toMatch(/event: error\ndata: \{"code":14,.*"reason":"DRAINING".*\}\n\n$/);
  await closed;
  expect(call.signal.aborted).toBe(true);
});

test("what does not finish within the grace is cut", async () => {
  const { gateway, url, held } = await startGreetings();
  const cut = expect(greet(url, "held")).rejects.toThrow();
  await held;
  await gateway.close({ graceMs: 20 });
  await cut;
});

test("a client that leaves ends the call, and is a line with 499", async () => {
  const { port, held, lines } = await startGreetings();
  const whole = httpRequest({ port, path: "/v1/greet", method: "POST", agent: false });
  whole.on("error", () => {}).end('{"name":"held"}');
  const call = await held;
  whole.destroy();
  if (!call.signal.aborted) await once(call.signal, "abort");
  const half = connect({ host: "127.0.0.1", port });
  half.write("POST /v1/greet HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{", () => half.destroy());
  while (lines.length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(lines.map(({ facts }) => facts["http.response.status_code"])).toEqual([499, 499]);
});

test("under load no request is dropped by a close that clients are told of", async () => {
  const { gateway, port } = await startGreetings();
  const agents: Agent[] = [];
  let sent = 0;
  let stop = false;
  const client = async () => {
    // Leaves the gateway once it is told to, as a balancer would.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    while (!stop) {
      const request = httpRequest({ port, path: "/v1/greet", method: "POST", agent, signal: within() });
      request.end('{"name":"Ada"}');
      const [response] = (await once(request, "response")) as [IncomingMessage];
      await text(response);
      expect(response.statusCode).toBe(200);
      sent += 1;
      if (response.headers.connection === "close") return;
    }
  };
  const clients = Array.from({ length: 20 }, client);
  while (sent < 500) await new Promise((resolve) => setImmediate(resolve));
  gateway.leave();
  await Promise.all(clients);
  await gateway.close({ graceMs: 1000 });
  stop = true;
  for (const agent of agents) agent.destroy();
}, 60_000);

test("49: a connection that has said nothing does not hold the close, and one that has is answered", async () => {
  const { gateway, port, held, letGo } = await startGreetings();
  const silent = connect({ host: "127.0.0.1", port });
  await once(silent, "connect");
  const asked = raw(port, 'POST /v1/greet HTTP/1.1\r\nhost: x\r\ncontent-length: 15\r\n\r\n{"name":"held"}');
  await held;
  const silentEnded = once(silent, "close");
  const closed = gateway.close({ graceMs: 600_000 });
  await silentEnded;
  letGo();
  expect(await asked).toContain("Hello held");
  await closed;
});
