import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { promisify } from "node:util";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { createClient } from "@tenon/grpc";
import type { ServiceName } from "@tenon/platform";
import { askHealth } from "@tenon/runtime";
import { makeCertificates } from "@tenon/setup";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FreshPlatform, restAt, SERVICES, startFreshPlatform } from "./fresh-platform.ts";

const grpcurl = spawnSync("grpcurl", ["-version"]).status === 0;
const DAY_MS = 24 * 3_600_000;

const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

let directory: string;
let platform: FreshPlatform;
const filesOf = (name: string) => ({ cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) });
const pemOf = (name: string) => ({
  ca: readFileSync(filesOf("ca").cert),
  cert: readFileSync(filesOf(name).cert),
  key: readFileSync(filesOf(name).key),
});

/** As a machine does it whose clock is so far on: what is half over by then is made anew. */
const renew = (onMs: number) =>
  makeCertificates({
    authority: filesOf("ca"),
    subjects: SERVICES.map((name) => ({
      ...filesOf(name),
      names: [name, "127.0.0.1"],
      ...(name !== "gateway" && { uri: `spiffe://tenon/${name}` }),
    })),
    // Each one holds from a while ago.
    now: () => new Date(Date.now() - 5 * DAY_MS + onMs),
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tenon-tls-"));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  await renew(0);
  const env: Record<string, string> = {
    TLS_CA_FILE: filesOf("ca").cert,
    TLS_RELOAD_INTERVAL: "50ms",
    // So that connections are made anew while certificates change.
    MAX_CONNECTION_AGE: "300ms",
  };
  for (const name of SERVICES) {
    env[`${name.toUpperCase()}_TLS_CERT_FILE`] = filesOf(name).cert;
    env[`${name.toUpperCase()}_TLS_KEY_FILE`] = filesOf(name).key;
  }
  platform = undo.use(await startFreshPlatform(env));
}, 60_000);

const rest = () => restAt(`http://127.0.0.1:${platform.ports.gateway}`);
const targetOf = (name: ServiceName) => `127.0.0.1:${platform.ports[name]}`;

test("an order is paid where every call goes by mutual TLS", async () => {
  expect(await rest().placeOrder()).toMatch(/^[\da-f-]{36}$/);
}, 30_000);

test("57: payment is closed to whoever shows no certificate, and tells services apart by it", async () => {
  const asked = async (tls?: ReturnType<typeof pemOf>) => {
    const client = createClient(paymentv1.PaymentService, { target: targetOf("payment"), tls });
    const missing = { requestId: crypto.randomUUID(), paymentId: crypto.randomUUID() };
    try {
      return await client.capturePayment(missing, { timeoutMs: 5000 }).catch((error) => error.code);
    } finally {
      client.close();
    }
  };
  expect(await asked()).toBe("UNAVAILABLE");
  expect(await asked(pemOf("greeter"))).toBe("PERMISSION_DENIED");
  // Has no service's id: it speaks for whoever calls it.
  expect(await asked(pemOf("gateway"))).toBe("UNAUTHENTICATED");
  expect(await asked(pemOf("order"))).toBe("NOT_FOUND");
});

test("health is answered in the clear on a port of its own, and nothing else is", async () => {
  const { payment, greeter } = platform.healthPorts;
  expect(await askHealth({ address: `127.0.0.1:${payment}` })).toBe("SERVING");
  expect(await askHealth({ address: `127.0.0.1:${payment}`, service: "live" })).toBe("SERVING");
  const client = createClient(greeterv1.GreetingService, { target: `127.0.0.1:${greeter}` });
  const refused = client.greet({ name: "John" }, { timeoutMs: 5000 });
  await expect(refused).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
  client.close();
});

async function shownBy(name: ServiceName): Promise<DetailedPeerCertificate> {
  const socket = connect({ port: platform.ports[name], host: "127.0.0.1", ALPNProtocols: ["h2"], ...pemOf("order") });
  try {
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    return socket.getPeerCertificate(true);
  } finally {
    socket.destroy();
  }
}

test("57: certificates are renewed under load: no call fails, and the new ones are shown", async () => {
  const before = await shownBy("greeter");
  let calls = 0;
  let stopped = false;
  const failures: unknown[] = [];
  const client = createClient(greeterv1.GreetingService, { target: targetOf("greeter"), tls: pemOf("order") });
  const load = Array.from({ length: 4 }, async () => {
    while (!stopped && failures.length === 0) {
      await client.greet({ name: "John" }, { timeoutMs: 5000 }).catch((error) => failures.push(error));
      calls += 1;
    }
  });
  try {
    await renew(4 * DAY_MS);
    await expect
      .poll(async () => (await shownBy("greeter")).fingerprint256, { timeout: 10_000 })
      .not.toBe(before.fingerprint256);
    const soFar = calls;
    await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(soFar + 50);
  } finally {
    stopped = true;
    await Promise.all(load);
    client.close();
  }
  expect(failures).toEqual([]);
}, 60_000);

test.skipIf(!grpcurl)("55: grpcurl lists and calls over mutual TLS", async () => {
  const { cert, key } = filesOf("order");
  const at = ["-cacert", filesOf("ca").cert, "-cert", cert, "-key", key];
  const run = async (...args: string[]) => (await promisify(execFile)("grpcurl", args, { timeout: 10_000 })).stdout;
  expect(await run(...at, targetOf("greeter"), "list")).toContain("greeter.v1.GreetingService");
  const greeting = run(...at, "-d", '{"name":"John"}', targetOf("greeter"), "greeter.v1.GreetingService/Greet");
  expect(JSON.parse(await greeting)).toEqual({ message: "Hello John" });
  expect(await run(...at, targetOf("payment"), "grpc.health.v1.Health/Check")).toContain("SERVING");
});
