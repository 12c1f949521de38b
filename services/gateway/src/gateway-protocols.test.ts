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
