import { setTimeout as delay } from "node:timers/promises";
import { PLATFORM_SERVICES } from "@tenon/platform";
import { askHealth } from "@tenon/runtime";
import type { ComposeProject } from "./compose-project.ts";
import type { Ports } from "./published-ports.ts";
import { createSmokeCustomer, type SmokeCustomer } from "./smoke-customer.ts";
import { SmokeFailure } from "./smoke-failure.ts";
import type { Step } from "./step-table.ts";

export interface RunStepsOptions {
  project: ComposeProject;
  ports: Ports;
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** Listed against the order in which they need each other: nobody is started by what it needs. */
const SERVICES = [...PLATFORM_SERVICES.map(({ name }) => name).reverse(), "order-2", "payment-2"];
const ORDERS = 40;
const START_LIMIT_MS = 60_000;

/** Everything that the platform must outlive, in its order. Throws a SmokeFailure at the first that it does not. */
export async function runSteps({ project, ports, signal, onProgress }: RunStepsOptions): Promise<readonly Step[]> {
  const steps: Step[] = [];
  async function step<T>(name: string, work: () => Promise<T>, orders?: number): Promise<T> {
    onProgress(`${name}...`);
    const startedAt = performance.now();
    const result = await work();
    signal.throwIfAborted();
    steps.push({ name, seconds: (performance.now() - startedAt) / 1000, ...(orders !== undefined && { orders }) });
    return result;
  }
  const inStep = (customer: SmokeCustomer) => (name: string, meanwhile?: () => Promise<void>) =>
    step(name, () => customer.order(ORDERS, meanwhile), ORDERS);

  await step("images built", () => project.build());
  await step("keys made", () => project.up("setup").then(() => ended(project, "setup", signal)));
  await step("services live without a database", async () => {
    await project.up(...SERVICES);
    for (const { name } of PLATFORM_SERVICES.filter(({ stores }) => stores)) {
      await livesUnready({ name, address: `127.0.0.1:${ports[name]}`, signal });
    }
  });
  await step("database comes, all healthy", () => project.up("postgres").then(() => project.healthy()));
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
  await step("each order there once, and confirmed", async () => {
    const placed = steps.reduce((sum, { orders = 0 }) => sum + orders, 0);
    const counts = await customer.countOrders();
    if (counts.CONFIRMED !== placed || Object.keys(counts).length !== 1) {
      throw new SmokeFailure(`of ${placed} orders there are ${JSON.stringify(counts)}`);
    }
  });
  await step("nothing had to be restarted by Docker", async () => {
    await project.healthy();
    const looped = (await project.states()).filter(({ restarts }) => restarts > 0);
    if (looped.length > 0)
      throw new SmokeFailure(`ended by themselves: ${looped.map(({ service }) => service).join(", ")}`);
  });
  await step("stopped, all drained", async () => {
    const failed = [...(await project.stop())].filter(([service, code]) => code !== 0 && service !== "postgres");
    if (failed.length > 0) throw new SmokeFailure(`exit codes of ${JSON.stringify(Object.fromEntries(failed))}`);
  });
  return steps;
}

async function ended(project: ComposeProject, service: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const state = (await project.states()).find((each) => each.service === service);
    if (state && !state.running) {
      if (state.exitCode !== 0) throw new SmokeFailure(`${service} ended with exit code ${state.exitCode}`);
      return;
    }
    await delay(100, undefined, { signal });
  }
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
      throw new SmokeFailure(`${name} without a database: live is ${live}, ready is ${ready}`);
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

const AUTHORIZED = "/^grpc_server_handled_total.*AuthorizePayment.*OK.* (\\d+)$/m";
const ASK = `fetch("http://127.0.0.1:9083/metrics").then((r) => r.text()).then((t) => process.stdout.write(${AUTHORIZED}.exec(t)?.[1] ?? "0"))`;

async function shared(project: ComposeProject): Promise<void> {
  const counts = await Promise.all(
    ["payment", "payment-2"].map((service) => project.exec(service, "node", "--eval", ASK)),
  );
  if (counts.some((count) => Number(count) === 0)) throw new SmokeFailure(`calls of each: ${counts.join(", ")}`);
}
