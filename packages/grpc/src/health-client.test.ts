import { expect, onTestFinished, test } from "vitest";
import { createHealth } from "./health.ts";
import { createHealthClient } from "./health-client.ts";
import { createServer } from "./server.ts";

const within = { timeoutMs: 5000 };

test("it tells whether a server, and a service of it, serves", async () => {
  const health = createHealth({ services: ["a.v1.A"] });
  const server = createServer({ services: [], natives: [health.native] });
  const client = createHealthClient({ target: `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}` });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  expect(await client.check("", within)).toBe(false);
  health.setAll(true);
  expect([await client.check("", within), await client.check("a.v1.A", within)]).toEqual([true, true]);
  health.set("a.v1.A", false);
  expect([await client.check("", within), await client.check("a.v1.A", within)]).toEqual([true, false]);
  await expect(client.check("b.v1.B", within)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a server that is not there is an error", async () => {
  const client = createHealthClient({ target: "127.0.0.1:1" });
  onTestFinished(() => client.close());
  await expect(client.check("", within)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
