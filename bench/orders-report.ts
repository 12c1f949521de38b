import { table } from "./bench-report.ts";
import type { BooksSpeed } from "./books-speed.ts";
import type { LoopResult } from "./closed-loop.ts";
import type { Machine } from "./machine.ts";
import type { QueryPlan } from "./query-plans.ts";

/** What was measured with so many orders in the tables. */
export interface OrdersRound {
  readonly orders: number;
  /** CreateOrder over gRPC, and the statements of its transaction alone, at each number of calls at once. */
  readonly placement: readonly { readonly atOnce: number; readonly call: LoopResult; readonly sql: LoopResult }[];
  /** From CreateOrder to CONFIRMED, and all statements of that alone. */
  readonly saga: { readonly atOnce: number; readonly whole: LoopResult; readonly sql: LoopResult };
  /** Orders that wait already, until the last is confirmed. */
  readonly drain: { readonly count: number; readonly perSecond: number };
  readonly books: BooksSpeed;
}

export interface OrdersResults {
  readonly title: string;
  readonly at: string;
  /** Too short to be believed. */
  readonly quick: boolean;
  readonly seconds: number;
  readonly machine: Machine;
  readonly roundTrips: { readonly placement: number; readonly saga: Readonly<Record<string, number>> };
  readonly rounds: readonly OrdersRound[];
  /** All statements of the saga alone, in one currency and in one for each of those at once. */
  readonly chain: { readonly atOnce: number; readonly shared: LoopResult; readonly apart: LoopResult };
  readonly plans: readonly QueryPlan[];
  /** Bytes that an order leaves in each table, with its indexes. */
  readonly bytesAnOrder: Readonly<Record<string, number>>;
}

/** A table of fewer rows is read as a whole by right. */
const SMALL_TABLE = 1000;

export const PLACEMENT_AIM = 1.25;
export const SAGA_AIM = 0.7;

/** Statements that read a large table as a whole. */
export const scansOf = (plans: readonly QueryPlan[]): readonly QueryPlan[] =>
  plans.filter(({ scanned }) => scanned.some(({ rows }) => rows >= SMALL_TABLE));

export function toOrdersMarkdown(results: OrdersResults): string {
  const { title, at, quick, seconds, machine, roundTrips, rounds, chain, plans, bytesAnOrder } = results;
  const perSaga = Object.values(roundTrips.saga).reduce((sum, count) => sum + count, 0);
  const each = Object.entries(roundTrips.saga).map(([name, count]) => `${name} ${count}`);
  const scans = scansOf(plans);
  return [
    `# ${title}`,
    "",
    "One process of each service, PostgreSQL on the same machine, commits durable. Beside each figure: the same SQL statements,",
    "as they were recorded, sent alone by the same driver and pools of the same size in one process.",
    "",
    ...placementTable(rounds),
    "",
    ...sagaTable(rounds),
    "",
    ...booksTable(rounds),
    "",
    `- SQL round trips: ${roundTrips.placement} for CreateOrder, ${perSaga} from CreateOrder to CONFIRMED (${each.join(", ")}).`,
    `- The head of the ledger's chain: ${chain.atOnce} at once in one currency ${figure(chain.shared.perSecond)} orders/s of SQL alone, ` +
      `each in its own ${figure(chain.apart.perSecond)}: waiting for the head costs ` +
      `${(100 * (1 - chain.shared.perSecond / chain.apart.perSecond)).toFixed(0)} %.`,
    `- Plans of ${plans.length} statements with ${rounds.at(-1)?.orders.toLocaleString("en")} orders in the tables: ` +
      (scans.length === 0
        ? "none reads a large table as a whole."
        : `${scans.length} read a large table as a whole, below.`),
    ...scans.map(({ process, text }) => `  - ${process}: \`${text.replaceAll(/\s+/g, " ").slice(0, 160)}\``),
    `- Bytes that an order leaves: ${Object.entries(bytesAnOrder)
      .filter(([, bytes]) => bytes >= 1)
      .map(([name, bytes]) => `${name} ${Math.round(bytes)}`)
      .join(", ")}.`,
    ...(quick
      ? ["- A quick run: it shows that all is there, not how fast it is."]
      : [`- ${seconds} s for each figure.`]),
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}; load average ${machine.loadAverage.toFixed(1)} at the start.`,
    `- ${at}`,
    "",
  ].join("\n");
}

function placementTable(rounds: readonly OrdersRound[]): string[] {
  const rows = rounds.flatMap(({ orders, placement }) =>
    placement.map(({ atOnce, call, sql }) => [
      orders.toLocaleString("en"),
      String(atOnce),
      figure(call.perSecond),
      call.p50Ms.toFixed(2),
      call.p99Ms.toFixed(2),
      figure(sql.perSecond),
      sql.p50Ms.toFixed(2),
      (sql.perSecond / call.perSecond).toFixed(2),
    ]),
  );
  const head = [
    "Orders",
    "At once",
    "CreateOrder/s",
    "p50 ms",
    "p99 ms",
    "its SQL/s",
    "p50 ms",
    `x (aim ${PLACEMENT_AIM})`,
  ];
  return table(head, rows);
}

function sagaTable(rounds: readonly OrdersRound[]): string[] {
  const rows = rounds.map(({ orders, saga: { atOnce, whole, sql }, drain }) => [
    orders.toLocaleString("en"),
    String(atOnce),
    figure(whole.perSecond),
    whole.p50Ms.toFixed(1),
    whole.p99Ms.toFixed(1),
    figure(drain.perSecond),
    figure(sql.perSecond),
    (whole.perSecond / sql.perSecond).toFixed(2),
  ]);
  const head = [
    "Orders",
    "At once",
    "Confirmed/s",
    "p50 ms",
    "p99 ms",
    "Drained/s",
    "its SQL/s",
    `part (aim ${SAGA_AIM})`,
  ];
  return table(head, rows);
}

function booksTable(rounds: readonly OrdersRound[]): string[] {
  const rows = rounds.map(({ orders, books: { verified, reconciled, forgotten } }) => [
    orders.toLocaleString("en"),
    figure(verified.perSecond),
    verified.complete ? "all" : verified.entries.toLocaleString("en"),
    figure(reconciled.perSecond),
    String(reconciled.findings),
    figure(forgotten.answersPerSecond),
    figure(forgotten.eventsPerSecond),
  ]);
  const head = [
    "Orders",
    "Entries verified/s",
    "of them",
    "Reconciled/s",
    "findings",
    "Answers deleted/s",
    "Events deleted/s",
  ];
  return table(head, rows);
}

const figure = (perSecond: number) =>
  perSecond >= 100 ? Math.round(perSecond).toLocaleString("en") : perSecond.toFixed(1);
