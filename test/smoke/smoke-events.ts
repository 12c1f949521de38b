import { setTimeout as delay } from "node:timers/promises";
import type { ComposeProject } from "./compose-project.ts";
import { SmokeFailure } from "./smoke-failure.ts";

const TYPE = "payment.v1.PaymentEvent";
const STREAM = "payment_v1_PaymentEvent";
/** For what was told while the broker was not there, and is told again now and then. */
const LIMIT_MS = 60_000;
const POLL_MS = 250;

/**
 * Waits until order has heard, from NATS, of the last version of each payment, and nothing is left to be told, taken or
 * tried again. Throws a SmokeFailure that says what is.
 */
export async function eventsArrive({ project, signal }: { project: ComposeProject; signal: AbortSignal }) {
  for (const startedAt = Date.now(); ; await delay(POLL_MS, undefined, { signal })) {
    const left = await whatIsLeft(project);
    if (left === undefined) return;
    if (Date.now() - startedAt > LIMIT_MS) throw new SmokeFailure(left);
  }
}

async function whatIsLeft(project: ComposeProject): Promise<string | undefined> {
  const ask = async (database: string, query: string) =>
    (await project.exec("postgres", "psql", "-U", database, "-d", database, "-Atc", query)).trim();

  for (const database of ["user", "payment", "order"]) {
    const untold = await ask(database, "select count(*) from outbox where published_at is null");
    if (untold !== "0") return `${untold} events of ${database} are not told`;
  }
  const failed = await ask("order", "select count(*) from failed_events");
  if (failed !== "0") return `${failed} events have failed at order`;
  const told = await ask("payment", TOLD);
  const heard = await ask("order", HEARD);
  if (told !== heard) return `payments and their versions in all: ${told} were told, order has heard of ${heard}`;
  return whatNatsHas(project, Number(await ask("payment", "select count(*) from outbox")));
}

const TOLD = "select count(*), sum(last) from (select max(version) as last from outbox group by aggregate_id) payments";
const HEARD = `select count(*), sum(version) from inbox where type = '${TYPE}'`;

/** Also shows that it was NATS that carried them: nobody else puts them there. */
async function whatNatsHas(project: ComposeProject, events: number): Promise<string | undefined> {
  const page = await project.exec("nats", "wget", "-q", "-O", "-", "http://127.0.0.1:8222/jsz?consumers=true");
  const { account_details: accounts = [] } = JSON.parse(page) as JetStreamPage;
  const stream = accounts.flatMap(({ stream_detail = [] }) => stream_detail).find(({ name }) => name === STREAM);
  const kept = stream?.state.messages ?? 0;
  if (kept < events) return `NATS has ${kept} of ${events} events of payment`;
  const consumer = stream?.consumer_detail?.find(({ name }) => name === "order");
  if (consumer === undefined) return "order takes nothing from NATS";
  const waiting = consumer.num_pending + consumer.num_ack_pending;
  return waiting === 0 ? undefined : `${waiting} events wait at NATS for order`;
}

/** What is read of NATS's /jsz. */
interface JetStreamPage {
  account_details?: readonly {
    stream_detail?: readonly {
      name: string;
      state: { messages: number };
      consumer_detail?: readonly { name: string; num_pending: number; num_ack_pending: number }[];
    }[];
  }[];
}
