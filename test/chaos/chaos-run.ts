import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as orderv1 from "@tenon/contracts/order/v1";
import { openDatabase } from "@tenon/database";
import { createClient } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { verifyLedger } from "@tenon/payment/verify-ledger";
import { createSeededRandom, findNatsServer } from "@tenon/testing";
import type { Kysely } from "kysely";
import { type ProcessPlatform, startProcessPlatform } from "../processes/process-platform.ts";
import type { ProcessEvent } from "../processes/supervised-process.ts";
import { createBooksReader } from "./books-reader.ts";
import { type ChaosAccounts, createChaosAccounts } from "./chaos-accounts.ts";
import { type ChaosCustomer, createChaosCustomer } from "./chaos-customer.ts";
import type { ChaosHistory } from "./chaos-history.ts";
import { createChaosKiller, type Kill } from "./chaos-killer.ts";
import { createChaosOperator } from "./chaos-operator.ts";
import { CRASH_POINTS } from "./crash-points.ts";
import type { Met } from "./crash-preload.ts";
import { findViolations } from "./money-checks.ts";
import { countOpen, listUnheard, type MoneyFacts, readMoneyFacts } from "./money-facts.ts";

export interface ChaosRunOptions {
  directory: string;
  seed: number;
  /** Of load and kills; starting, coming to rest and checking come on top. */
  durationMs: number;
  history: ChaosHistory;
  say: (line: string) => void;
}

export interface ChaosResult {
  readonly kills: readonly Kill[];
  readonly facts: MoneyFacts;
  readonly snapshots: number;
  /** Times that all events of a service were told again. */
  readonly replays: number;
  /** Users who were blocked. */
  readonly blocked: number;
  /** How often the broker came back with nothing; undefined where there was none. */
  readonly wipes: number | undefined;
  readonly violations: readonly string[];
  /** From the end of the load until everything rested. */
  readonly restMs: number;
}

/**
 * A shorter patience than in production, so that a minute shows as much as an hour. The processor's timeout stays above
 * the two seconds that pm_slow takes.
 */
const PATIENCE = {
  PROCESSOR_TIMEOUT: "2500ms",
  STEP_LEASE: "5500ms",
  STEP_INTERVAL: "500ms",
  RECONCILE_INTERVAL: "2s",
  CHECK_INTERVAL: "500ms",
};
const CUSTOMERS = 6;
/** Customers hold back while more orders are open. */
const OPEN_MOST = 60;
/** The longest pause of a worker is 15 s; a step that failed five times waits longer, but nothing fails any more. */
const REST_LIMIT_MS = 120_000;

/** How often the broker has lost all that it had when it comes back. */
const WIPED_ONE_IN = 3;

/** With so many there is one of every kind. */
const TELLING_ORDERS = 300;

/** The whole of it: the platform is started, loaded, killed piece by piece, left to come to rest, and looked through. */
export async function runChaos({ directory, seed, durationMs, history, say }: ChaosRunOptions): Promise<ChaosResult> {
  const random = createSeededRandom(seed);
  const violations: string[] = [];
  const passed = new Set<string>();
  let reached = (_process: string): void => {};
  function onEvent(event: ProcessEvent): void {
    if (event.kind === "message") {
      const { passed: point, reached: hit } = event.message as Met;
      if (point !== undefined) passed.add(point);
      if (hit === undefined) return;
      reached(event.name);
    }
    history.add(event.kind, { ...event });
    if (event.kind === "exit" && event.how !== "SIGKILL" && !isClosing) {
      violations.push(`${event.name} ended by itself: ${event.how}`);
    }
  }
  let isClosing = false;

  const program = findNatsServer();
  say(
    program === undefined
      ? "nats-server IS NOT INSTALLED HERE: services deliver events by gRPC, and what a broker loses is not shown"
      : "events go by way of nats-server",
  );
  const restartDelayMs = () => random.between(0, 1000);
  const platform = await startProcessPlatform({
    directory,
    replicas: { order: 2, payment: 2, processor: 1, user: 1 },
    env: PATIENCE,
    preload: join(import.meta.dirname, "crash-preload.ts"),
    ...(program !== undefined && { nats: { program, isWiped: () => random.isOneIn(WIPED_ONE_IN) } }),
    restartDelayMs,
    onEvent,
  });
  try {
    const accounts = createChaosAccounts(platform.targets.user, platform.admin);
    const customers = await createCustomers({ platform, accounts, seed, history });
    const killer = createChaosKiller({ platform, random, history });
    reached = killer.reached;
    const reader = createBooksReader(platform.database);

    say(`Running ${durationMs / 1000} s of orders and kills...`);
    const stop = AbortSignal.timeout(durationMs);
    const stopReading = new AbortController();
    const operator = createChaosOperator({
      targets: platform.targets,
      asAdmin: accounts.asAdmin,
      random: createSeededRandom(seed),
      history,
    });
    const reading = reader.run(stopReading.signal);
    // What is lost later on no replay brings back.
    const operating = operator.run(AbortSignal.any([stop, AbortSignal.timeout(durationMs / 2)]));
    const killing = killer.run(stop);
    const answered = await Promise.allSettled(customers.map((customer) => customer.run(stop)));
    for (const each of answered) if (each.status === "rejected") violations.push(String(each.reason));
    await Promise.all([killing, operating]);

    say("Waiting until everything rests...");
    const endedAt = Date.now();
    const { processes, nats } = platform;
    await Promise.all([...processes, ...(nats ? [nats] : [])].map((each) => each.ready(REST_LIMIT_MS)));
    await rested(platform);
    const restMs = Date.now() - endedAt;
    stopReading.abort();
    await reading;

    say("Looking through the books...");
    const facts = await readMoneyFacts(platform.database);
    const placed = customers.flatMap((customer) => customer.placed);
    violations.push(...findViolations(facts, placed));
    violations.push(...customers.flatMap((customer) => customer.violations), ...reader.violations);
    violations.push(...(await verifyBooks(platform)));
    if (facts.orders.length >= TELLING_ORDERS) violations.push(...neverPassed(passed));
    for (const [kind, rows] of Object.entries(facts)) for (const row of rows) history.add(kind, { ...row });
    for (const what of violations) history.add("violation", { what });
    const blocked = customers.flatMap((customer) => customer.blocked).length;
    const { snapshots } = reader;
    const { replays } = operator;
    return { kills: killer.kills, facts, snapshots, replays, blocked, wipes: nats?.wipes, violations, restMs };
  } finally {
    isClosing = true;
    for (const [name, how] of await platform.close()) history.add("stopped", { name, how });
  }
}

/** A point that nobody comes by kills nobody: the statement that tells it has changed. */
const neverPassed = (passed: ReadonlySet<string>): string[] =>
  Object.entries(CRASH_POINTS)
    .filter(([point, { isRare }]) => !passed.has(point) && !isRare)
    .map(([point]) => `no process came by the crash point ${point}: mend it in crash-points.ts`);

async function rested(platform: ProcessPlatform): Promise<void> {
  // What does not come to rest is found by the checks, with its name.
  for (const startedAt = Date.now(); Date.now() - startedAt < REST_LIMIT_MS; await delay(100)) {
    const open = await countOpen(platform.database);
    if (Object.keys(open).length > 0) continue;
    if (listUnheard(await readMoneyFacts(platform.database)).length === 0) return;
  }
}

type TablesOf<Work> = Work extends (db: Kysely<infer Tables>) => unknown ? Tables : never;

async function verifyBooks({ database }: ProcessPlatform): Promise<string[]> {
  const logger = createLogger({ name: "chaos", level: "warn" });
  const url = database.url("payment", "payment");
  const db = openDatabase<TablesOf<typeof verifyLedger>>({ url, logger, statementTimeoutMs: 60_000 });
  try {
    await verifyLedger(db);
    return [];
  } catch (error) {
    return [`32, 33: ${(error as Error).message}`];
  } finally {
    await db.destroy();
  }
}

/** Looks every half second how much is open, for as long as somebody wants to know. */
function createRoom({ database }: ProcessPlatform): (stop: AbortSignal) => Promise<void> {
  let looked: { at: number; open: Promise<number> } | undefined;
  const open = () => {
    if (looked === undefined || Date.now() - looked.at > 500) {
      const counted = countOpen(database).then(({ orders = 0 }) => orders);
      // While the database is down nobody can order anyway.
      looked = { at: Date.now(), open: counted.catch(() => 0) };
    }
    return looked.open;
  };
  return async (stop) => {
    while (!stop.aborted && (await open()) > OPEN_MOST) await delay(100, undefined, { signal: stop }).catch(() => {});
  };
}

interface CustomersOptions {
  platform: ProcessPlatform;
  accounts: ChaosAccounts;
  seed: number;
  history: ChaosHistory;
}

async function createCustomers({ platform, accounts, seed, history }: CustomersOptions): Promise<ChaosCustomer[]> {
  const target = platform.targets.order;
  const orders = createClient(orderv1.OrderService, { target });
  const { products } = await createClient(orderv1.CatalogService, { target }).listProducts({}, { timeoutMs: 10_000 });
  const hasRoom = createRoom(platform);
  return Array.from({ length: CUSTOMERS }, (_, index) => {
    const random = createSeededRandom(seed + 1 + index);
    return createChaosCustomer({ orders, products, accounts, hasRoom, random, history });
  });
}
