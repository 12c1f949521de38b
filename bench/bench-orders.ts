// `make bench-orders`: from CreateOrder to CONFIRMED, beside the same SQL statements alone. See README.md.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Metadata } from "@tenon/grpc";
import { type ProcessPlatform, startProcessPlatform } from "@tenon/test/process-platform";
import pg from "pg";
import { barChart } from "./bar-chart.ts";
import { measureBooks } from "./books-speed.ts";
import { insertBulkOrders } from "./bulk-orders.ts";
import { closedLoop, type LoopResult } from "./closed-loop.ts";
import { watchConfirmations } from "./confirmations.ts";
import { describeMachine } from "./machine.ts";
import { createOrderClient } from "./order-client.ts";
import { type OrdersResults, type OrdersRound, toOrdersMarkdown } from "./orders-report.ts";
import { readQueryPlans } from "./query-plans.ts";
import { createSqlReplay, type SqlReplayOptions } from "./sql-replay.ts";
import { countByProcess, type TracedTrip, transactionWith, withoutIdle } from "./sql-trace.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);
const {
  values: { quick, ...args },
} = parseArgs({
  options: { quick: { type: "boolean", default: false }, orders: { type: "string" } },
});
const seconds = quick ? 2 : 10;
const sizes = [1000, Number(args.orders ?? (quick ? 10_000 : 100_000))];
const directory = join(import.meta.dirname, "../.data/bench-orders");
const SAGAS_AT_ONCE = 16;
const PLACED_AT_ONCE = [1, 8];
const IDLE_MS = 3000;

interface Recorded {
  readonly placement: TracedTrip[];
  readonly saga: TracedTrip[];
  readonly listing: TracedTrip[];
  readonly constants: ReadonlySet<string>;
}

/** What one order sends to each database, of the running services; theirs is then thrown away. */
async function record(): Promise<Recorded> {
  let trace: TracedTrip[] = [];
  const preload = join(import.meta.dirname, "sql-trace-preload.ts");
  const platform = await start(preload, (trip) => trace.push(trip));
  try {
    using client = await createOrderClient(platform);
    const confirmations = await watchConfirmations(urlsOf(platform).order ?? "");
    const order = async () => confirmations.of(await client.place());
    const traced = async (work: () => Promise<unknown>) => {
      trace = [];
      await work();
      // What follows by itself, such as the delivery of events.
      await delay(IDLE_MS / 3);
      return trace;
    };
    // Connections are made and plans are warm, as they are in the middle of a day.
    for (let i = 0; i < 5; i++) await order();
    const idle = await traced(() => delay(IDLE_MS));
    const saga = withoutIdle(await traced(order), idle);
    const listing = withoutIdle(await traced(client.list), idle);
    await confirmations.close();
    const placement = transactionWith(saga, /insert into "orders"/);
    return { placement, saga, listing, constants: new Set([client.userId, client.productId]) };
  } finally {
    await platform.close();
  }
}

const start = (preload?: string, onMessage: (trip: TracedTrip) => void = () => {}): Promise<ProcessPlatform> =>
  startProcessPlatform({
    directory,
    replicas: { order: 1, payment: 1, processor: 1, user: 1 },
    env: {},
    ...(preload !== undefined && { preload }),
    restartDelayMs: () => 1000,
    onEvent: (event) => {
      if (event.kind === "message") onMessage(event.message as TracedTrip);
    },
  });

/** What the services do, then with them stopped what their statements alone do. */
async function measure(platform: ProcessPlatform, recorded: Recorded, orders: number): Promise<OrdersRound> {
  const { constants } = recorded;
  const urls = urlsOf(platform);
  const calls: LoopResult[] = [];
  const [saga, drain, books] = await withClient(platform, async ({ place, confirmed, userPid, asAdmin }) => {
    // The keys of users' tokens are known from now on.
    await confirmed(await place());
    // Nobody drives orders while they are placed: the worker's first question is not answered.
    process.kill(userPid, "SIGSTOP");
    for (const atOnce of PLACED_AT_ONCE)
      calls.push(await closedLoop({ atOnce, seconds }, async () => void (await place())));
    await query(urls.order, "delete from orders where state = 'PENDING'");
    process.kill(userPid, "SIGCONT");
    await confirmed(await place());
    const whole = await closedLoop({ atOnce: SAGAS_AT_ONCE, seconds }, async () => confirmed(await place()));
    const drain = await drained({ place, confirmed, userPid, count: whole.count });
    const target = platform.targets.payment;
    const books = await measureBooks({
      target,
      metadata: asAdmin(),
      orderUrl: urls.order ?? "",
      limitMs: 2000 * seconds,
    });
    return [whole, drain, books] as const;
  });
  for (const each of platform.processes) await each.stop();

  const placement: OrdersRound["placement"][number][] = [];
  for (const [index, atOnce] of PLACED_AT_ONCE.entries()) {
    const sql = await replayed({ trips: recorded.placement, urls, constants }, atOnce);
    await query(urls.order, "delete from orders where state = 'PENDING'");
    const call = calls[index] as LoopResult;
    placement.push({ atOnce, call, sql });
    say(`  placed ${call.perSecond.toFixed(0)}/s, its SQL ${sql.perSecond.toFixed(0)}/s, ${atOnce} at once`);
  }
  const sql = await replayed({ trips: recorded.saga, urls, constants }, SAGAS_AT_ONCE);
  say(`  confirmed ${saga.perSecond.toFixed(0)}/s, p50 ${saga.p50Ms.toFixed(1)} ms, p99 ${saga.p99Ms.toFixed(1)} ms`);
  say(`  drained ${drain.perSecond.toFixed(0)}/s, their SQL alone ${sql.perSecond.toFixed(0)}/s`);
  return { orders, placement, saga: { atOnce: SAGAS_AT_ONCE, whole: saga, sql }, drain, books };
}

interface Customer {
  readonly place: () => Promise<string>;
  readonly confirmed: (orderId: string) => Promise<void>;
  readonly userPid: number;
  readonly asAdmin: () => Metadata;
}

async function withClient<T>(platform: ProcessPlatform, work: (customer: Customer) => Promise<T>): Promise<T> {
  using client = await createOrderClient(platform);
  const confirmations = await watchConfirmations(urlsOf(platform).order ?? "");
  const userPid = platform.processes.find(({ service }) => service === "user")?.pid ?? 0;
  try {
    return await work({ place: client.place, confirmed: confirmations.of, userPid, asAdmin: client.asAdmin });
  } finally {
    await confirmations.close();
  }
}

async function replayed(options: SqlReplayOptions, atOnce: number): Promise<LoopResult> {
  const replay = createSqlReplay(options);
  try {
    return await closedLoop({ atOnce, seconds }, replay.once);
  } finally {
    await replay.close();
  }
}

/** Orders that were placed while nobody drove them, until the last is confirmed. */
async function drained({ place, confirmed, userPid, count }: Omit<Customer, "asAdmin"> & { count: number }) {
  process.kill(userPid, "SIGSTOP");
  const ids: string[] = [];
  const lane = async () => {
    while (ids.length < count) ids.push(await place());
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  process.kill(userPid, "SIGCONT");
  const startedAt = performance.now();
  await Promise.all(ids.map(confirmed));
  return { count: ids.length, perSecond: (ids.length * 1000) / (performance.now() - startedAt) };
}

async function query(url: string | undefined, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const SERVICES = ["order", "payment", "processor", "user"] as const;

const urlsOf = ({ database }: ProcessPlatform): Record<string, string> =>
  Object.fromEntries(SERVICES.map((name) => [name, database.url(name, name)]));

/** The size of each table with its indexes, by `service.table`. */
async function readSizes(urls: Readonly<Record<string, string>>): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of ["order", "payment", "processor"]) {
    const rows = await query(
      urls[name],
      "select relname, pg_total_relation_size(oid)::float8 as bytes from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    );
    for (const { relname, bytes } of rows) sizes.set(`${name}.${relname}`, Number(bytes));
  }
  return sizes;
}

/** What waiting for the head of the ledger's chain costs: the same work in one currency, and in one for each. */
async function measureChain({ saga: trips, constants }: Recorded, urls: Record<string, string>) {
  const atOnce = SAGAS_AT_ONCE;
  const shared = await replayed({ trips, urls, constants }, atOnce);
  const currencies = Array.from({ length: atOnce }, (_, i) => String.fromCharCode(65 + i).repeat(3));
  const free = currencies.map((EUR) => createSqlReplay({ trips, urls, constants, replaced: { EUR }, poolSize: 1 }));
  const all = [...free];
  const apart = await closedLoop({ atOnce, seconds }, async () => {
    const replay = free.pop();
    if (replay === undefined) throw new Error("there are more at once than currencies");
    await replay.once();
    free.push(replay);
  });
  await Promise.all(all.map((each) => each.close()));
  return { atOnce, shared, apart };
}

async function main(): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const machine = describeMachine({ withGo: false });
  say("Recording what one order sends...");
  const recorded = await record();
  const roundTrips = { placement: recorded.placement.length, saga: countByProcess(recorded.saga) };
  say(
    `SQL round trips: ${roundTrips.placement} to place, ${recorded.saga.length} in all (${JSON.stringify(roundTrips.saga)})`,
  );
  await writeFile(
    join(directory, "trace.json"),
    JSON.stringify(recorded.saga, (_, v) => (typeof v === "bigint" ? String(v) : v), 1),
  );

  const [userId = "", productId = ""] = [...recorded.constants];
  const rounds: OrdersRound[] = [];
  const bytesAnOrder: Record<string, number> = {};
  let present = 0;
  for (const size of sizes) {
    const platform = await start();
    try {
      const urls = urlsOf(platform);
      const before = await readSizes(urls);
      const count = size - present;
      const startedAt = performance.now();
      await insertBulkOrders({ database: platform.database, from: present, count, userId, productId });
      for (const [name, bytes] of await readSizes(urls)) bytesAnOrder[name] = (bytes - (before.get(name) ?? 0)) / count;
      present = size;
      say(
        `${size.toLocaleString("en")} orders in the tables, after ${((performance.now() - startedAt) / 1000).toFixed(0)} s`,
      );
      rounds.push(await measure(platform, recorded, size));
      if (size !== sizes.at(-1)) continue;
      const plans = await readQueryPlans([...recorded.saga, ...recorded.listing], urls);
      const chain = await measureChain(recorded, urls);
      const [title, at] = ["Orders: from CreateOrder to CONFIRMED", new Date().toISOString()];
      await write({ title, at, quick, seconds, machine, roundTrips, rounds, chain, plans, bytesAnOrder });
    } finally {
      await platform.close();
    }
  }
  await rm(join(directory, "postgres"), { recursive: true, force: true });
}

async function write(results: OrdersResults): Promise<void> {
  const folder = join(import.meta.dirname, "results");
  const name = results.quick ? "orders-partial" : "orders";
  const markdown = toOrdersMarkdown(results);
  const panels = results.rounds.map(({ orders, saga, drain }) => ({
    title: `Orders a second, with ${orders.toLocaleString("en")} in the tables`,
    bars: [
      { label: "their SQL alone", value: saga.sql.perSecond, ours: false },
      { label: "CreateOrder to CONFIRMED", value: saga.whole.perSecond, ours: true },
      { label: "orders that wait already", value: drain.perSecond, ours: true },
    ],
  }));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), markdown);
  await writeFile(join(folder, `${name}.svg`), barChart(results.title, panels));
  say(`\n${markdown}\nWritten to bench/results/${name}.json, .md and .svg.`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench-orders: ${(error as Error).stack}\n`);
  process.exitCode = 1;
}
process.exit();
