import { setTimeout as delay } from "node:timers/promises";
import { PLATFORM_SERVICES } from "@tenon/platform";
import { askHealth } from "@tenon/runtime";
import type { ComposeProject } from "./compose-project.ts";
import { readMetric } from "./container-metrics.ts";
import type { Ports } from "./published-ports.ts";
import { createSmokeCustomer, type SmokeCustomer } from "./smoke-customer.ts";
import { eventsArrive } from "./smoke-events.ts";
import { SmokeFailure } from "./smoke-failure.ts";
import { prometheusWatches } from "./smoke-metrics.ts";
import type { StepLog } from "./step-log.ts";
import type { Step } from "./step-table.ts";

export interface RunStepsOptions {
  project: ComposeProject;
  ports: Ports;
  /** Gets what is done. */
  log: StepLog;
  signal: AbortSignal;
}

/** Listed against the order in which they need each other: nobody is started by what it needs. */
export const SERVICES = [...PLATFORM_SERVICES.map(({ name }) => name).reverse(), "order-2", "payment-2"];
const ORDERS = 40;
const START_LIMIT_MS = 60_000;

/** Everything that the platform must outlive, in its order. Throws a SmokeFailure at the first that it does not. */
export async function runSteps({ project, ports, log, signal }: RunStepsOptions): Promise<void> {
  const { step } = log;
  const inStep = (customer: SmokeCustomer) => (name: string, meanwhile?: () => Promise<void>) =>
    step(name, () => customer.order(ORDERS, meanwhile), ORDERS);

  await step("keys made", () => project.up("setup").then(() => project.ended("setup")));
  await step("services live without database and NATS", async () => {
    await project.up(...SERVICES);
    for (const { name } of PLATFORM_SERVICES.filter(({ stores }) => stores)) {
      await livesUnready({ name, address: `127.0.0.1:${ports[name]}`, signal });
    }
  });
  await step("both come, all healthy", () => project.up("postgres", "nats").then(() => project.healthy()));
  await step("Prometheus scrapes every replica, has every alert", async () => {
    await project.up("prometheus");
    await prometheusWatches({ project, signal });
  });
  await step("order's role kept out of payment's data", () => keptOut(project));

  using customer = await step("sign-up and log-in", () => createSmokeCustomer({ ports, signal }));
  const orders = inStep(customer);
  await orders("orders, nothing in the way");
  await step("calls reached both replicas of payment", () => shared(project));
  await orders("orders, order-2 and payment killed", async () => {
    await Promise.all([project.kill("order-2"), project.kill("payment")]);
  });
  await step("both back and healthy", async () => {
    await Promise.all([project.start("order-2"), project.start("payment")]);
    await project.healthy();
  });
  await orders("orders, PostgreSQL restarted", () => project.restart("postgres"));
  await orders("orders, the order that is called killed and started", async () => {
    await project.kill("order");
    await project.start("order");
  });
  await orders("orders, NATS killed and started", async () => {
    await project.kill("nats");
    await project.start("nats");
  });
  await step("each payment's event came through NATS, none failed", () => eventsArrive({ project, signal }));
  await step("each order there once, and confirmed", () => allConfirmed(customer, log.steps));
  await step("nothing had to be restarted by Docker", async () => {
    await project.healthy();
    const looped = (await project.states()).filter(({ restarts }) => restarts > 0);
    if (looped.length > 0)
      throw new SmokeFailure(`ended by themselves: ${looped.map(({ service }) => service).join(", ")}`);
  });
  await step("stopped, all drained", () => allDrained(project));
}

/** Of all orders that steps have placed. */
export async function allConfirmed(customer: SmokeCustomer, steps: readonly Step[]): Promise<void> {
  const placed = steps.reduce((sum, { orders = 0 }) => sum + orders, 0);
  const counts = await customer.countOrders();
  if (counts.CONFIRMED !== placed || Object.keys(counts).length !== 1) {
    throw new SmokeFailure(`of ${placed} orders there are ${JSON.stringify(counts)}`);
  }
}

/** Stops everything. What PostgreSQL and NATS exit with is theirs. */
export async function allDrained(project: ComposeProject): Promise<void> {
  const failed = [...(await project.stop())].filter(([service, code]) => SERVICES.includes(service) && code !== 0);
  if (failed.length > 0) throw new SmokeFailure(`exit codes of ${JSON.stringify(Object.fromEntries(failed))}`);
}

/** Without what it needs a service serves its health, and tells that it is not ready. */
async function livesUnready(options: { name: string; address: string; signal: AbortSignal }): Promise<void> {
  const { name, address, signal } = options;
  for (const startedAt = Date.now(); ; await delay(100, undefined, { signal })) {
    const [live, ready] = await Promise.all(
      ["live", ""].map((service) => askHealth({ address, service }).catch((error: Error) => error.message)),
    );
    if (live === "SERVING" && ready === "NOT_SERVING") return;
    if (Date.now() - startedAt > START_LIMIT_MS) {
      throw new SmokeFailure(`${name} without what it needs: live is ${live}, ready is ${ready}`);
    }
  }
}

async function keptOut(project: ComposeProject): Promise<void> {
  const read = (role: string, database: string) =>
    project.exec("postgres", "psql", "-U", role, "-d", database, "-c", "select 1");
  await read("order", "order");
  const refusal = await read("order", "payment").then(
    () => "nothing",
    (error: Error) => error.message,
  );
  if (!/permission denied|CONNECT privilege/.test(refusal)) throw new SmokeFailure(`order was kept out by ${refusal}`);
}

const AUTHORIZED = /^grpc_server_handled_total.*AuthorizePayment.*OK.* (\d+)$/m;

async function shared(project: ComposeProject): Promise<void> {
  const counts = await Promise.all(
    ["payment", "payment-2"].map((service) => readMetric(project, { service, adminPort: 9083 }, AUTHORIZED)),
  );
  if (counts.some((count) => count === 0)) throw new SmokeFailure(`calls of each: ${counts.join(", ")}`);
}
