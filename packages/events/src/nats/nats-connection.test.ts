import { freePorts } from "@tenon/testing";
import { expect, test } from "vitest";
import { createNatsConnection } from "./nats-connection.ts";

for (const url of ["", "localhost:4222", "http://localhost:4222", "nats://", "nats://a,https://b"]) {
  test(`"${url}" is no NATS_URL, and the error does not show it`, () => {
    expect(() => createNatsConnection({ url, name: "test" })).toThrow(/^NATS_URL is not of the form/);
  });
}

test("a broker that is not there is UNAVAILABLE, each time it is asked for", async () => {
  const [port] = await freePorts(1);
  const connection = createNatsConnection({ url: `nats://127.0.0.1:${port}`, name: "test", timeoutMs: 500 });
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(connection.use()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  }
  await connection.close();
  await expect(connection.use()).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
