import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { openDatabase } from "@tenon/database";
import { createClient, createServer, type Server } from "@tenon/grpc";
import { currentCall, propagation } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { implementPart, testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";

type Greet = () => Promise<unknown>;

/** A service over a port of its own, all of whose work is `work`. */
async function serve(work: Greet) {
  const greet = async () => {
    await work();
    return {};
  };
  const handlers = { greet, async *listGreetings() {}, recordGreetings: async () => ({}), async *chatGreetings() {} };
  const services = [implementPart(greeterv1.GreetingService, handlers)];
  const server: Server = createServer({ services, interceptors: [propagation()] });
  const target = `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  const client = createClient(greeterv1.GreetingService, { target, interceptors: [propagation()] });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return client;
}

/** What the machine does besides takes time too: of so many rounds the quickest tells what cancelling takes. */
const ROUNDS = 20;

test("47: who leaves takes along the call and the statement that are made for him, within 100 ms", async () => {
  await using database = await testDatabase<unknown>({ migrations: [] });
  const logger = createLogger({ name: "test", level: "silent" });
  const db = openDatabase<unknown>({ url: database.url, logger, currentSignal: () => currentCall()?.signal });
  onTestFinished(() => db.destroy());
  const back = await serve(() => sql`select pg_sleep(60)`.execute(db));
  const front = await serve(() => back.greet({ name: "Ada" }));
  const running = async () => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from pg_stat_activity
      where datname = current_database() and state = 'active' and query = 'select pg_sleep(60)'`.execute(database.db);
    return rows[0]?.count;
  };

  let quickestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && quickestMs >= 100; round++) {
    const leave = new AbortController();
    const answer = front.greet({ name: "Ada" }, { signal: leave.signal, timeoutMs: 50_000 }).catch(({ code }) => code);
    await expect.poll(running, { timeout: 20_000, interval: 5 }).toBe(1);
    const leftMs = performance.now();
    leave.abort();
    await expect.poll(running, { timeout: 20_000, interval: 1 }).toBe(0);
    quickestMs = Math.min(quickestMs, performance.now() - leftMs);
    expect(await answer).toBe("CANCELLED");
  }
  expect(quickestMs).toBeLessThan(100);
}, 120_000);
