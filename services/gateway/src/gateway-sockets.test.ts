import { once } from "node:events";
import { expect, test } from "vitest";
import { startGreetings } from "./gateway-fixture.ts";

async function openChat(url: string) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/greetings:chat`);
  await once(socket, "open", { signal: AbortSignal.timeout(5000) });
  return socket;
}

const closeOf = async (socket: WebSocket) => {
  const [{ code, reason }] = await once(socket, "close", { signal: AbortSignal.timeout(5000) });
  return { code, reason };
};

test("a chat is one line and one count, by its route", async () => {
  const { url, lines, registry } = await startGreetings();
  const socket = await openChat(url);
  socket.send('{"name":"Ada"}');
  const [{ data }] = await once(socket, "message");
  expect(data).toBe('{"message":"Hello Ada"}');
  socket.send("");
  expect(await closeOf(socket)).toEqual({ code: 1000, reason: "" });
  expect(lines.map(({ facts }) => [facts["http.route"], facts["http.response.status_code"]])).toEqual([
    ["/v1/greetings:chat", 101],
  ]);
  expect(lines[0]?.facts.request_id).toMatch(/^[\da-f-]{36}$/);
  expect(await registry.metrics()).toContain(
    'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/v1/greetings:chat",http_response_status_code="101",error_type=""} 1',
  );
});

test("a close ends chats at once, and says that it was not the end", async () => {
  const { gateway, url, held } = await startGreetings();
  const socket = await openChat(url);
  socket.send('{"name":"held"}');
  const call = await held;
  const closed = gateway.close({ graceMs: 5000 });
  expect(await closeOf(socket)).toEqual({ code: 4014, reason: "the gateway is going: connect again" });
  await closed;
  expect(call.status?.code).toBe("CANCELLED");
});
