import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import type { StatusError } from "@tenon/errors";
import { createClient, createMetadata } from "@tenon/grpc";
import { createServiceTokens, serviceToken } from "@tenon/interceptors";
import { toMinor } from "@tenon/money";
import { expect } from "vitest";
import type { PlacedOrder } from "../chaos/chaos-customer.ts";
import type { Met } from "../chaos/crash-preload.ts";
import { findViolations } from "../chaos/money-checks.ts";
import { countOpen, listUnheard, readMoneyFacts } from "../chaos/money-facts.ts";
import { type Fate, startFaultProxy } from "./fault-proxy.ts";
import { type ProcessPlatform, type ServiceName, startProcessPlatform } from "./process-platform.ts";

/** A shorter patience than in production, so that seconds show it. */
const PATIENCE = {
  PROCESSOR_TIMEOUT: "1500ms",
  STEP_LEASE: "3100ms",
  STEP_INTERVAL: "200ms",
  RECONCILE_INTERVAL: "500ms",
  CHECK_INTERVAL: "200ms",
  FAULTS: "allow",
  DRAIN_WAIT: "0ms",
  DRAIN_GRACE: "1s",
};
const REPLICAS = { order: 2, payment: 2, processor: 1, user: 1 } as const;
/** Every way to these leads over proxies, services' own ways to each other included. */
const PROXIED = ["order", "payment", "processor"] as const;
/** For whatever has to come to pass on a busy machine. */
export const PATIENT = { timeout: 40_000, interval: 100 };
const ATTEMPT_MS = 5000;
const REPEATABLE = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED"];

export type MoneyWorld = Awaited<ReturnType<typeof startMoneyWorld>>;

/** The services that take orders and money as processes that can be killed, over ways that can be bad, and a customer. */
export async function startMoneyWorld() {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "tenon-money-"));
  undo.defer(() => rm(directory, { recursive: true, force: true }));

  let fate: () => Fate = () => undefined;
  let platform: ProcessPlatform | undefined;
  const replicasOf = (service: ServiceName) => platform?.processes.filter((each) => each.service === service) ?? [];
  const proxies = await Promise.all(
    PROXIED.flatMap((service) =>
      Array.from({ length: REPLICAS[service] }, async (_, index) => {
        const upstream = () => replicasOf(service)[index]?.port;
        return Object.assign(undo.use(await startFaultProxy({ upstream, fate: () => fate() })), { service });
      }),
    ),
  );
  const targetOf = (service: ServiceName) =>
    `ipv4:${proxies.flatMap((proxy) => (proxy.service === service ? `127.0.0.1:${proxy.port}` : [])).join(",")}`;

  let awayMs = 0;
  const reached: { name: string; point: string }[] = [];
  const starts: string[] = [];
  const started = await startProcessPlatform({
    directory,
    replicas: REPLICAS,
    env: {
      ...PATIENCE,
      ...Object.fromEntries(PROXIED.map((service) => [`${service.toUpperCase()}_TARGET`, targetOf(service)])),
    },
    preload: join(import.meta.dirname, "../chaos/crash-preload.ts"),
    restartDelayMs: () => awayMs,
    onEvent(event) {
      if (event.kind === "start") starts.push(event.name);
      const point = event.kind === "message" ? (event.message as Met).reached : undefined;
      if (point !== undefined) reached.push({ name: event.name, point });
    },
  });
  platform = started;
  undo.defer(async () => void (await started.close()));

  const orders = undo.adopt(createClient(orderv1.OrderService, { target: targetOf("order") }), (client) =>
    client.close(),
  );
  const credentials = await signUp(started.targets.user);
  const me = () => ({ ...credentials, timeoutMs: ATTEMPT_MS });
  const items = await (async () => {
    const catalog = createClient(orderv1.CatalogService, { target: started.targets.order });
    const { products } = await catalog.listProducts({}, { timeoutMs: ATTEMPT_MS });
    catalog.close();
    return [{ productId: products[0]?.id ?? "", quantity: 1 }];
  })();
  const placed: PlacedOrder[] = [];
  const { database } = started;

  async function place(paymentMethod = "pm_ok") {
    const request = { requestId: randomUUID(), items, paymentMethod };
    let replayed = false;
    const { order } = await insist(() =>
      orders.createOrder(request, {
        ...me(),
        onTrailers: (trailers) => (replayed = trailers.get("idempotent-replayed").includes("true")),
      }),
    );
    if (!order) throw new Error("an order was answered without itself");
    const { id, userId } = order;
    const facts = { id, userId, total: toMinor(order.total), paymentMethod, placedAt: Date.now() };
    placed.push({ ...facts, isAfterBlock: false, isCancelled: false, refundsMinor: [] });
    return { order, replayed };
  }

  const kept = undo.move();
  return {
    platform: started,
    replicasOf,
    place,
    /** Where crash points were reached, by whom. */
    reached,

    async cancel(orderId: string): Promise<void> {
      const request = { requestId: randomUUID(), orderId };
      await insist(() => orders.cancelOrder(request, me()));
      for (const order of placed) if (order.id === orderId) order.isCancelled = true;
    },

    /** Every order that was placed here is in this state. */
    async until(state: orderv1.OrderState, ids: readonly string[]): Promise<void> {
      const stateOf = async (orderId: string) => {
        const { order } = await insist(() => orders.getOrder({ orderId }, me()));
        return order?.state;
      };
      await expect.poll(() => Promise.all(ids.map(stateOf)), PATIENT).toEqual(ids.map(() => state));
    },

    /** Each process that comes to one of these points from now on is killed by `kill -9`, once. */
    killAt(points: Readonly<Partial<Record<ServiceName, string>>>): void {
      reached.length = 0;
      for (const each of started.processes) each.tell({ point: points[each.service] });
    },

    /** Kills every process and the database at once; resolves once each is ready again, with how often it was started. */
    async killAll(): Promise<Readonly<Record<string, number>>> {
      starts.length = 0;
      const pids = [...started.processes.map(({ pid }) => pid), await started.postgresPid()];
      for (const pid of pids) if (pid !== undefined) process.kill(pid, "SIGKILL");
      const begun = () => started.processes.filter(({ name }) => starts.includes(name)).length;
      await expect.poll(begun, PATIENT).toBe(started.processes.length);
      await Promise.all(started.processes.map((each) => each.ready(PATIENT.timeout)));
      return Object.fromEntries(started.processes.map(({ name }) => [name, starts.filter((is) => is === name).length]));
    },

    /** Whatever ends from now on comes back after so long. */
    stayAway(ms: number): void {
      awayMs = ms;
    },

    /** What befalls all that is sent from now on; without it all goes well again. */
    spoilWays(isSo: () => Fate = () => undefined): void {
      fate = isSo;
    },

    /** How often a way was cut. */
    cuts: () => proxies.reduce((sum, { cuts }) => sum + cuts, 0),

    /** What the processor has been made to get wrong; nothing once it was killed. */
    async setFaults(faults?: MessageInitShape<typeof processorv1.FaultsSchema>): Promise<void> {
      const key = JSON.parse(await readFile(join(directory, "payment.jwk.json"), "utf8"));
      const identity = serviceToken(createServiceTokens({ name: "payment", key }), "processor");
      const client = createClient(processorv1.FaultService, {
        target: started.targets.processor,
        interceptors: [identity],
      });
      await client.setFaults(faults ? { faults } : {}, { timeoutMs: ATTEMPT_MS });
      client.close();
    },

    /** Approved transactions about an order's money, as the processor has them. */
    async movements(orderId: string): Promise<string[]> {
      const { payments, steps, transactions } = await readMoneyFacts(database);
      const [payment] = payments.filter((each) => each.orderId === orderId);
      const references = steps.filter(({ paymentId }) => paymentId === payment?.id).map(({ id }) => id);
      const done = transactions.filter(
        ({ state, reference }) => state === "APPROVED" && references.includes(reference),
      );
      return done.map(({ kind }) => kind);
    },

    /** Calls of a method as each replica of a service has counted them in this series of its metrics. */
    async callsOf(service: ServiceName, series: CallSeries, method: string): Promise<number[]> {
      return Promise.all(replicasOf(service).map(({ adminPort }) => sumAt(adminPort, series, method)));
    },

    /** Waits until nothing is left to do anywhere, and tells what is not as invariants 1 to 42 have it. */
    async violations(): Promise<string[]> {
      const open = async () => ({
        ...(await countOpen(database)),
        unheard: listUnheard(await readMoneyFacts(database)).length,
      });
      // What does not come to rest is found by the checks, with its name.
      await expect
        .poll(open, PATIENT)
        .toEqual({ unheard: 0 })
        .catch(() => {});
      return findViolations(await readMoneyFacts(database), placed);
    },

    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The first answer: as a program that has to know, and repeats its request as it was. */
async function insist<T>(attempt: () => Promise<T>): Promise<T> {
  let answer: Promise<T> | undefined;
  await expect
    .poll(async () => {
      answer = attempt();
      return answer.then(
        () => "answered",
        ({ code }: StatusError) => (REPEATABLE.includes(code) ? code : "refused"),
      );
    }, PATIENT)
    .toMatch(/answered|refused/);
  return answer as Promise<T>;
}

async function signUp(target: string) {
  const login = { email: `${randomUUID()}@processes.example`, password: randomUUID() };
  const users = createClient(userv1.UserService, { target });
  const sessions = createClient(userv1.SessionService, { target });
  await users.createUser({ requestId: randomUUID(), displayName: "Ada", ...login }, { timeoutMs: 20_000 });
  const { accessToken } = await sessions.createSession(login, { timeoutMs: 20_000 });
  users.close();
  sessions.close();
  return { metadata: createMetadata({ authorization: `Bearer ${accessToken}` }) };
}

type CallSeries = "grpc_server_started_total" | "grpc_client_started_total" | "grpc_server_handled_total";

/** Of those that are counted by their code, only those that went well. */
async function sumAt(adminPort: number, series: CallSeries, method: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { signal: AbortSignal.timeout(ATTEMPT_MS) });
  const found = (await answer.text()).split("\n").filter((line) => {
    const isWell = !line.includes("grpc_code=") || line.includes('grpc_code="OK"');
    return isWell && line.startsWith(`${series}{`) && line.includes(`grpc_method="${method}"`);
  });
  return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
