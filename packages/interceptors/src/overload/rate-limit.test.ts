import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { StatusError } from "@tenon/errors";
import { createMetadata, type Interceptor, methodsOf } from "@tenon/grpc";
import { QuotaFailureSchema } from "@tenon/options/google/rpc";
import { expect, test } from "vitest";
import { clientAddress } from "../client-address.ts";
import { greeter, KINDS, startGreeter } from "../greeter-fixture.ts";
import { type Principal, principalKey } from "../identity/principal.ts";
import { addressGroup } from "./address-group.ts";
import { rateLimit } from "./rate-limit.ts";

const ONE = { perSecond: 0.1, burst: 1 };
const nowMs = () => 0;
const METHODS = methodsOf([greeter(() => {})]);

/** In the place of `auth`. */
const as =
  (principal: Principal): Interceptor =>
  ({ values }) => ({ onStart: () => values.set(principalKey, principal) });
const user = (id: string): Principal => ({ kind: "user", id, role: "user", sessionId: "s" });

for (const { kind, method, invoke } of KINDS) {
  test(`a ${kind} call beyond the budget is refused with when to come again, and the handler sees nothing of it`, async () => {
    let handled = 0;
    const { greetings } = await startGreeter({
      server: [as(user("ada")), rateLimit({ limits: { [`/greeter.v1.GreetingService/${method}`]: ONE }, nowMs })],
      inHandler: () => {
        handled += 1;
      },
    });
    await invoke(greetings);
    const error = await invoke(greetings).catch((error: unknown) => error as StatusError);
    if (!(error instanceof StatusError)) throw new Error("it was not refused");
    expect(error).toMatchObject({ code: "RESOURCE_EXHAUSTED", reason: "RATE_LIMITED", retryDelayMs: 10_000 });
    const quotas = error.details.map((detail) => anyUnpack(detail as never, QuotaFailureSchema)).filter(Boolean);
    expect(quotas).toMatchObject([
      { violations: [{ subject: "user:ada", description: expect.stringContaining(method) }] },
    ]);
    expect(handled).toBe(1);
  });
}

test("a budget is of one class and one caller, and comes back with time", async () => {
  const clock = { ms: 0 };
  let principal = user("ada");
  const limiter = rateLimit({ classes: { read: ONE, write: ONE }, nowMs: () => clock.ms });
  const { greetings } = await startGreeter({ server: [(call) => as(principal)(call), limiter] });
  const read = () =>
    greetings.greet({}).then(
      () => true,
      () => false,
    );
  const write = () =>
    greetings.recordGreetings([]).then(
      () => true,
      () => false,
    );
  expect([await read(), await read(), await write(), await write()]).toEqual([true, false, true, false]);
  principal = user("grace");
  expect([await read(), await read()]).toEqual([true, false]);
  principal = user("ada");
  clock.ms += 10_000;
  expect([await read(), await read()]).toEqual([true, false]);
});

test("callers without a token are told apart by their address, and services are not limited", async () => {
  const from = (address: string) => ({ metadata: createMetadata({ "x-forwarded-for": address }) });
  const server = [clientAddress({ trustedProxies: [] }), rateLimit({ classes: { read: ONE }, nowMs })];
  const { greetings } = await startGreeter({ server });
  await greetings.greet({}, from("203.0.113.1"));
  await expect(greetings.greet({}, from("203.0.113.1"))).rejects.toMatchObject({ reason: "RATE_LIMITED" });
  await greetings.greet({}, from("203.0.113.2"));
  await greetings.greet({}, from("2001:db8::1"));
  await expect(greetings.greet({}, from("2001:db8::2"))).rejects.toMatchObject({ reason: "RATE_LIMITED" });
  const { greetings: ofService } = await startGreeter({
    server: [as({ kind: "service", name: "order" }), rateLimit({ classes: { read: ONE }, nowMs })],
  });
  for (let n = 0; n < 3; n++) await ofService.greet({});
});

test("a class without a limit, or a key of nobody's, is not limited", async () => {
  const { greetings } = await startGreeter({
    server: [
      rateLimit({ classes: { write: ONE }, nowMs }),
      rateLimit({ classes: { read: ONE }, keyOf: () => undefined }),
    ],
  });
  for (let n = 0; n < 3; n++) expect(await greetings.greet({ name: "Ada" })).toMatchObject({ message: "Hello Ada" });
});

test("health is never limited, and a name of JavaScript's own is no limit", () => {
  const limiter = rateLimit({ classes: { write: ONE }, nowMs });
  const of = (service: string) => limiter({ side: "server", method: { service, path: `/${service}/Check` } } as never);
  expect(of("grpc.health.v1.Health")).toEqual({});
  expect(of("constructor")).toHaveProperty("onStart");
});

for (const [address, group] of [
  ["203.0.113.1", "203.0.113.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["2001:db8:a:b::", "2001:db8:a:b::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["in-process", "in-process"],
] as const) {
  test(`${address} is counted as ${group}`, () => expect(addressGroup(address)).toBe(group));
}

for (const [what, options, message] of [
  ["no limit at all", {}, "rateLimit: neither"],
  ["a rate of 0", { classes: { read: { perSecond: 0, burst: 1 } } }, "rateLimit: read.perSecond must be"],
  ["a negative rate", { classes: { read: { perSecond: -1, burst: 1 } } }, "rateLimit: read.perSecond must be"],
  ["an enormous rate", { classes: { read: { perSecond: 1e99, burst: 1 } } }, "rateLimit: read.perSecond must be"],
  ["a burst of 0", { classes: { write: { perSecond: 1, burst: 0 } } }, "rateLimit: write.burst must be"],
  ["half a burst", { classes: { write: { perSecond: 1, burst: 1.5 } } }, "rateLimit: write.burst must be a whole"],
  ["no room for keys", { classes: { read: ONE }, maxKeys: 0 }, "rateLimit: maxKeys must be"],
  ["a method that is not served", { limits: { "/a.B/C": ONE }, methods: METHODS }, "/a.B/C, which is not served"],
] as const) {
  test(`${what} is refused at the start`, () => expect(() => rateLimit(options)).toThrow(message));
}
