import * as userv1 from "@tenon/contracts/user/v1";
import { createClient, createMetadata, implement } from "@tenon/grpc";
import { expect, onTestFinished, test } from "vitest";
import { clientLimits, serverLimits } from "./call-limits.ts";
import { start } from "./service-fixture.ts";

const config = {
  LOAD_SHEDDING: "on",
  MAX_CONCURRENT_CALLS: 1000,
  CREDENTIAL_RATE: { perSecond: 1, burst: 60 },
  WRITE_RATE: "off",
  READ_RATE: "off",
  TRUSTED_PROXIES: [],
} as const;

test("each limit is there where the configuration says so", () => {
  expect(serverLimits(config)).toEqual({
    loadShedding: { maxLimit: 1000, initialLimit: 200 },
    rateLimits: { classes: { credential: { perSecond: 1, burst: 60 } } },
  });
  const other = { ...config, MAX_CONCURRENT_CALLS: 8, TRUSTED_PROXIES: ["::1"], READ_RATE: { perSecond: 5, burst: 9 } };
  expect(serverLimits(other)).toEqual({
    loadShedding: { maxLimit: 8, initialLimit: 8 },
    rateLimits: { classes: { credential: { perSecond: 1, burst: 60 }, read: { perSecond: 5, burst: 9 } } },
    trustedProxies: ["::1"],
  });
  expect(serverLimits({ ...config, LOAD_SHEDDING: "off", CREDENTIAL_RATE: "off" })).toEqual({});
  expect(clientLimits({ CIRCUIT_BREAKER: "on" })).toEqual({ circuitBreaker: { openMs: 1000, maxOpenMs: 5000 } });
  expect(clientLimits({ CIRCUIT_BREAKER: "off" })).toEqual({});
});

/** Log-ins from these addresses, one after the other, by a proxy on this machine. */
async function logIn(addresses: readonly string[], TRUSTED_PROXIES: readonly string[]) {
  const answer = async () => ({});
  const sessions = implement(userv1.SessionService, {
    createSession: answer,
    refreshSession: answer,
    deleteSession: answer,
  });
  const { service } = await start({
    services: [sessions],
    config: { CREDENTIAL_RATE: { perSecond: 0.001, burst: 2 }, TRUSTED_PROXIES },
  });
  const client = createClient(userv1.SessionService, { target: `127.0.0.1:${service.port}` });
  onTestFinished(() => client.close());
  const outcomes: string[] = [];
  for (const address of addresses) {
    const metadata = createMetadata({ "x-forwarded-for": address });
    const outcome = client.createSession(
      { email: "ada@example.com", password: "wrong" },
      { metadata, timeoutMs: 5000 },
    );
    outcomes.push(
      await outcome.then(
        () => "OK",
        ({ reason, code }) => reason ?? code,
      ),
    );
  }
  return outcomes;
}

test("who tries passwords is told to wait, whatever address he says is his", async () => {
  const addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
  expect(await logIn(addresses, [])).toEqual(["OK", "OK", "RATE_LIMITED"]);
});

test("behind a proxy that is trusted each caller has a budget of his own", async () => {
  const addresses = ["203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2"];
  expect(await logIn(addresses, ["127.0.0.1"])).toEqual(["OK", "OK", "RATE_LIMITED", "OK"]);
});
