import { StatusError } from "@tenon/errors";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { KINDS, recordLog, startGreeter } from "./greeter-fixture.ts";
import { recovery } from "./recovery.ts";

const THROWN = [
  { what: "an error", thrown: new Error("select * from secrets"), counted: 1 },
  { what: "a string", thrown: "select * from secrets", counted: 1 },
  {
    what: "another service's status that nobody translated",
    thrown: new StatusError("NOT_FOUND", "select * from secrets", { remote: true }),
    counted: 1,
  },
  { what: "a status", thrown: new StatusError("INTERNAL", "internal error"), counted: 0 },
];

for (const { kind, method, invoke } of KINDS) {
  for (const { what, thrown, counted } of THROWN) {
    test(`54: ${what} thrown in a ${kind} call is INTERNAL, and ${counted ? "told once" : "not told"}`, async () => {
      const { logger, lines } = recordLog();
      const registry = new Registry();
      const { greetings } = await startGreeter({
        server: [recovery(logger, { registry })],
        inHandler: () => {
          throw thrown;
        },
      });
      await expect(invoke(greetings)).rejects.toMatchObject({ code: "INTERNAL", message: "internal error" });
      expect(lines).toHaveLength(counted);
      const line = `grpc_server_unexpected_errors_total{grpc_type="${kind}",grpc_service="greeter.v1.GreetingService",grpc_method="${method}"} 1`;
      expect((await registry.metrics()).includes(line)).toBe(counted === 1);
      if (counted === 0) return;
      expect(lines[0]).toMatchObject({
        level: "error",
        message: "unexpected error",
        facts: { "grpc.method": method, err: thrown },
      });
    });
  }
}

for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"] as const) {
  test(`${code} of another service is no bug of ours`, async () => {
    const { logger, lines } = recordLog();
    const { greetings } = await startGreeter({
      server: [recovery(logger)],
      inHandler: () => {
        throw new StatusError(code, "theirs", { remote: true });
      },
    });
    await expect(greetings.greet({})).rejects.toMatchObject({ code });
    expect(lines).toEqual([]);
  });
}

test("a call that ends well or is cancelled by its caller is not told", async () => {
  const { logger, lines } = recordLog();
  const { greetings } = await startGreeter({ server: [recovery(logger)] });
  await greetings.greet({ name: "Ada" });
  expect(lines).toEqual([]);
});
