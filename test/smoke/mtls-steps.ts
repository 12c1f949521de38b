import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { type ClientTls, createClient } from "@tenon/grpc";
import { PLATFORM_SERVICES } from "@tenon/platform";
import { askHealth } from "@tenon/runtime";
import type { ComposeProject } from "./compose-project.ts";
import { type Replica, readMetric } from "./container-metrics.ts";
import type { Ports } from "./published-ports.ts";
import { createSmokeCustomer } from "./smoke-customer.ts";
import { eventsArrive } from "./smoke-events.ts";
import { SmokeFailure } from "./smoke-failure.ts";
import { allConfirmed, allDrained, type RunStepsOptions, SERVICES } from "./smoke-steps.ts";

const ORDERS = 40;
/** Services look every ten seconds. */
const RENEWAL_LIMIT_MS = 60_000;
const POLL_MS = 1000;
const TAKEN = /^tls_reloads_total\{outcome="taken"\} (\d+)$/m;
const REPLICAS: readonly Replica[] = [
  { service: "gateway", adminPort: 9000 },
  { service: "greeter", adminPort: 9080 },
  { service: "user", adminPort: 9081 },
  { service: "order", adminPort: 9082 },
  { service: "order-2", adminPort: 9082 },
  { service: "payment", adminPort: 9083 },
  { service: "payment-2", adminPort: 9083 },
  { service: "processor", adminPort: 9084 },
];

/** What is otherwise where every call goes by mutual TLS. Throws a SmokeFailure at the first that is wrong. */
export async function runMtlsSteps({ project, ports, log, signal }: RunStepsOptions): Promise<void> {
  const { step } = log;
  await step("keys and certificates made", async () => {
    await project.up("setup", "certificates");
    await project.ended("setup", "certificates");
  });
  await step("all up and healthy", async () => {
    await project.up(...SERVICES, "postgres", "nats");
    await project.healthy();
  });

  using files = temporaryFolder();
  const tlsOf = async (owner: string): Promise<ClientTls> => {
    const directory = join(files.path, owner);
    await project.copy("certificates", `/secrets/${owner}`, directory);
    const [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"].map((name) => readFileSync(join(directory, name)));
    return { ca, cert, key };
  };
  const tls = await tlsOf("client");
  await step("calls without TLS or a certificate refused", () => refused(ports, tls));
  await step("57: services told apart by certificates", async () => {
    await toldApart(ports, { client: tls, greeter: await tlsOf("greeter"), order: await tlsOf("order") });
  });

  using customer = await step("sign-up and log-in", () => createSmokeCustomer({ ports, signal, tls }));
  const orders = (name: string, meanwhile: () => Promise<void>) =>
    step(name, () => customer.order(ORDERS, meanwhile), ORDERS);
  await orders("orders, the order that is called killed and started", async () => {
    await project.kill("order");
    await project.start("order");
  });
  await orders("orders, certificates renewed", async () => {
    await project.start("certificates");
    await project.ended("certificates");
    await renewed(project, signal);
  });
  await step("each payment's event came through NATS, none failed", () => eventsArrive({ project, signal }));
  await step("each order there once, and confirmed", () => allConfirmed(customer, log.steps));
  await step("stopped, all drained", () => allDrained(project));
}

async function refused(ports: Ports, { ca }: ClientTls): Promise<void> {
  for (const { name } of PLATFORM_SERVICES.filter(({ stores }) => stores)) {
    const address = `127.0.0.1:${ports[name]}`;
    const answer = await askHealth({ address }).catch(() => "nothing");
    if (answer !== "nothing") throw new SmokeFailure(`${name} answers ${answer} to a plaintext call`);
  }
  for (const [how, tls] of [
    ["without TLS", undefined],
    ["without a certificate", { ca }],
  ] as const) {
    const answer = await greet(ports, tls);
    if (answer !== "UNAVAILABLE") throw new SmokeFailure(`the greeter answers ${answer} to a call ${how}`);
  }
}

const greet = (ports: Ports, tls: ClientTls | undefined): Promise<string> => {
  const client = createClient(greeterv1.GreetingService, { target: `127.0.0.1:${ports.greeter}`, tls });
  return codeOf(client.greet({ name: "John" }, { timeoutMs: 5000 })).finally(() => client.close());
};

/** Only order may ask payment for money, and there is none of this payment. */
async function toldApart(ports: Ports, by: Record<"client" | "greeter" | "order", ClientTls>): Promise<void> {
  const expected = { client: "UNAUTHENTICATED", greeter: "PERMISSION_DENIED", order: "NOT_FOUND" };
  for (const name of ["client", "greeter", "order"] as const) {
    const client = createClient(paymentv1.PaymentService, { target: `127.0.0.1:${ports.payment}`, tls: by[name] });
    const request = { requestId: crypto.randomUUID(), paymentId: crypto.randomUUID() };
    const answer = await codeOf(client.capturePayment(request, { timeoutMs: 5000 })).finally(() => client.close());
    if (answer !== expected[name]) throw new SmokeFailure(`payment answers ${answer} to the certificate of ${name}`);
  }
  const answer = await greet(ports, by.client);
  if (answer !== "OK") throw new SmokeFailure(`the greeter answers ${answer} to a client with a certificate`);
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "OK",
    (error: { code: string }) => error.code,
  );

/** Resolves when every process has new certificates. */
async function renewed(project: ComposeProject, signal: AbortSignal): Promise<void> {
  for (const startedAt = Date.now(); ; await delay(POLL_MS, undefined, { signal })) {
    const taken = await Promise.all(REPLICAS.map((replica) => readMetric(project, replica, TAKEN)));
    if (taken.every((count) => count > 0)) return;
    const late = REPLICAS.filter((_, index) => taken[index] === 0).map(({ service }) => service);
    if (Date.now() - startedAt > RENEWAL_LIMIT_MS) throw new SmokeFailure(`old certificates at ${late.join(", ")}`);
  }
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "tenon-smoke-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
