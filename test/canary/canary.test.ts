import type { TestDatabase } from "@tenon/testing";
import { testDatabase } from "@tenon/testing";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { startFreshPlatform } from "../fresh-platform.ts";
import { startOtlpReceiver } from "../otlp-receiver.ts";
import { runCanaries } from "./canary-run.ts";
import { createLeakFinder } from "./leak-finder.ts";

// As many as a check has time for; `make canary calls=60000` makes more.
const CALLS = Number(process.env.CANARY_CALLS ?? 2000);
const SEED = Number(process.env.CANARY_SEED || Math.floor(Math.random() * 2 ** 31));
/** Many times what they take: what the machine does besides is no leak. */
const LIMIT_MS = 240_000 + CALLS * 100;
const STORES = ["user", "order", "payment", "processor"] as const;
const EVENT_TABLES = ["outbox", "inbox", "failed_events"];

test(
  `59: secrets of ${CALLS} random calls are in no log, span, metric, event, error or answer to others (seed ${SEED})`,
  async () => {
    const finder = createLeakFinder(`cnry${SEED.toString(36).padStart(6, "0")}zz`);
    const leaks: string[] = [];
    const look = (where: string, text: string) => {
      const leak = finder.find(text);
      if (leak !== undefined && leaks.length < 20) leaks.push(`${where}: ${leak}`);
    };
    let telemetryBytes = 0;
    await using collector = await startOtlpReceiver({
      onBody(body) {
        telemetryBytes += body.length;
        look("telemetry", body);
      },
    });
    await using undo = new AsyncDisposableStack();
    const databases: TestDatabase<unknown>[] = [];
    const env: Record<string, string> = {
      LOG_LEVEL: "debug",
      CREDENTIAL_RATE: "off",
      REQUEST_RATE: "1000000",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_MAX_QUEUE_SIZE: "100000",
    };
    for (const name of STORES) {
      const database = undo.use(await testDatabase<unknown>({ migrations: [] }));
      databases.push(database);
      env[`${name.toUpperCase()}_DATABASE_URL`] = database.url;
    }
    await using platform = await startFreshPlatform(env);

    const { ends, leaks: told } = await runCanaries({ platform, finder, calls: CALLS, seed: SEED });
    for (const [name, port] of Object.entries(platform.adminPorts)) {
      const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(page).toContain("# HELP");
      look(`metrics of ${name}`, page);
    }
    platform.process.kill("SIGTERM");
    expect(await platform.process.exit({ timeoutMs: 60_000 })).toBe(0);
    const { stdout, stderr } = platform.process.said;
    const lines = [stdout, stderr].flatMap((each) => each.split("\n"));
    for (const line of lines) look("log", line);
    let events = 0;
    for (const { db } of databases) {
      for (const table of EVENT_TABLES) {
        const { rows: found } = await sql`select to_regclass(${table}) is not null as there`.execute(db);
        if (!(found[0] as { there: boolean }).there) continue;
        const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(table)} as t`.execute(db);
        events += rows.length;
        for (const { row } of rows) look(table, row);
      }
    }

    expect([...told.slice(0, 20), ...leaks]).toEqual([]);
    // All of it was there to be looked at.
    expect(Object.keys(ends).sort()).toEqual(["grpc answered", "grpc refused", "rest answered", "rest refused"]);
    expect(lines.length).toBeGreaterThan(CALLS);
    expect(telemetryBytes).toBeGreaterThan(CALLS * 100);
    expect(events).toBeGreaterThan(20);
  },
  LIMIT_MS,
);
