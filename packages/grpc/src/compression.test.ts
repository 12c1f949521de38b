import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./client.ts";
import { createServer } from "./server.ts";

test("a request that compresses well passes compressed", async () => {
  const server = createServer({
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: async ({ name }) => ({ message: String(name.length) }),
        async *listGreetings() {},
        async recordGreetings(requests) {
          const names: string[] = [];
          for await (const { name } of requests) names.push(name.slice(0, 3));
          return {
            count: names.join() === Array.from({ length: 50 }, (_, i) => `${i}`.padStart(3, "0")).join() ? 50 : 0,
          };
        },
        async *chatGreetings() {},
      }),
    ],
  });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  const client = createClient(greeterv1.GreetingService, { target: `127.0.0.1:${port}`, compression: "gzip" });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  expect(await client.greet({ name: "n".repeat(100_000) })).toMatchObject({ message: "100000" });
  const requests = Array.from({ length: 50 }, (_, i) => ({
    name: `${i}`.padStart(3, "0") + "x".repeat((50 - i) * 500),
  }));
  expect(await client.recordGreetings(requests)).toMatchObject({ count: 50 });
});
