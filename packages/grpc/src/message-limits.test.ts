import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { type ClientOptions, createClient } from "./client.ts";
import { createServer, type ServerOptions } from "./server.ts";

const LIMIT = 1000;
const LARGE = "x".repeat(LIMIT);
const SMALL = "x".repeat(100);

interface Limits {
  server?: Partial<ServerOptions>;
  client?: Partial<ClientOptions>;
  /** Which of the two messages is too large. */
  large: "request" | "response";
}

const CASES: Record<string, Limits> = {
  "a server takes no larger request than its limit": {
    server: { maxReceiveMessageBytes: LIMIT },
    large: "request",
  },
  "a server sends no larger response than its limit": { server: { maxSendMessageBytes: LIMIT }, large: "response" },
  "a client sends no larger request than its limit": { client: { maxSendMessageBytes: LIMIT }, large: "request" },
  "a client takes no larger response than its limit": {
    client: { maxReceiveMessageBytes: LIMIT },
    large: "response",
  },
};

for (const inProcess of [false, true]) {
  const where = inProcess ? "without a port" : "over a port";
  for (const [name, limits] of Object.entries(CASES)) {
    test(`${where}: ${name}`, async () => {
      const client = await start(inProcess, limits);
      const options = { timeoutMs: 5000 };
      const name = limits.large === "request" ? LARGE : SMALL;
      const exhausted = { code: "RESOURCE_EXHAUSTED", message: expect.stringMatching(/larger than/) };
      await expect(client.greet({ name }, options)).rejects.toMatchObject(exhausted);
      const list = client.listGreetings({ names: [name] }, options);
      await expect(Array.fromAsync(list)).rejects.toMatchObject(exhausted);
    });
  }
}

async function start(inProcess: boolean, { server: serverOptions, client: clientOptions, large }: Limits) {
  const message = large === "response" ? LARGE : SMALL;
  const server = createServer({
    ...serverOptions,
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: async () => ({ message }),
        async *listGreetings() {
          yield { message };
        },
        recordGreetings: async () => ({}),
        async *chatGreetings() {},
      }),
    ],
  });
  const target = inProcess ? server : `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  const client = createClient(greeterv1.GreetingService, { ...clientOptions, target });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return client;
}
