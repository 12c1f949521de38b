// Loaded before a service by `node --import`: tells the parent of all that it sends to its database.
import type { RoundTrip } from "@tenon/database/round-trip";
import pg from "pg";
import type { TracedTrip } from "./sql-trace.ts";

const name = process.argv[1]?.split("/").at(-3) ?? "";
const connections = new WeakMap<object, number>();
let known = 0;

const send = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;
const isRoundTrip = (query: unknown): query is RoundTrip =>
  typeof query === "object" && query !== null && "statements" in query;

pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]): unknown {
  const [trip] = args;
  // Others are of migrations and listeners.
  if (!isRoundTrip(trip)) return send.apply(this, args);
  const connection = connections.get(this) ?? ++known;
  connections.set(this, connection);
  const at = Date.now();
  const { callback } = trip;
  trip.callback = (error, answers = []) => {
    const statements = trip.statements.map(({ sql: text, parameters: values }, index) => {
      const { text: tag = "", columns = [], rows = [] } = answers[index] ?? {};
      const keyed = columns.findIndex((column) => column.name === "id" || column.name === "position");
      return { text, values, rowCount: Number(tag.split(" ").at(-1)) || 0, key: rows[0]?.[keyed] };
    });
    const traced: TracedTrip = { process: name, connection, statements, at };
    process.send?.(traced);
    callback(error, answers);
  };
  return send.apply(this, args);
} as typeof pg.Client.prototype.query;
process.channel?.unref();
