import dns from "node:dns";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { createClient } from "./client.ts";
import { createServer } from "./server.ts";

async function startGreeter(host: string, port = 0) {
  const server = createServer({
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: async () => ({ message: host }),
        async *listGreetings() {},
        recordGreetings: async () => ({}),
        async *chatGreetings() {},
      }),
    ],
  });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return { server, port: await server.listen({ host, port }) };
}

test("53: who loses all servers that it knows of finds new ones seconds later", { timeout: 60_000 }, async () => {
  const old = await startGreeter("127.0.0.1");
  await startGreeter("127.0.0.2", old.port);
  let address = "127.0.0.1";
  const lookup = vi.spyOn(dns.promises, "lookup").mockImplementation((async () => [{ address, family: 4 }]) as never);
  onTestFinished(() => lookup.mockRestore());
  const client = createClient(greeterv1.GreetingService, { target: `dns:///greeter.test:${old.port}` });
  onTestFinished(() => client.close());
  const greet = () => client.greet({ name: "Ada" }, { timeoutMs: 5000 }).catch(() => ({ message: "nobody" }));
  expect(await greet()).toMatchObject({ message: "127.0.0.1" });

  // At once, so that the next look-up is as far away as it ever is.
  await old.server.close({ graceMs: 0 });
  address = "127.0.0.2";
  const lostAt = performance.now();
  await vi.waitFor(async () => expect(await greet()).toMatchObject({ message: "127.0.0.2" }), { timeout: 50_000 });
  expect(performance.now() - lostAt).toBeLessThan(20_000);
  expect(lookup.mock.calls.length).toBeLessThan(10);
});
