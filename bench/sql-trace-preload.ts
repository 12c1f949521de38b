// Loaded before a service by `node --import`: tells the parent of every statement that it sends to its database.
import pg from "pg";
import type { TracedStatement } from "./sql-trace.ts";

const name = process.argv[1]?.split("/").at(-3) ?? "";
const connections = new WeakMap<object, number>();
let known = 0;

const send = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;

pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]): unknown {
  const [first, second] = args;
  const { text, values } =
    typeof first === "string" ? { text: first, values: second } : (first as Partial<pg.QueryConfig>);
  const connection = connections.get(this) ?? ++known;
  connections.set(this, connection);
  const at = Date.now();
  const answer = send.apply(this, args);
  if (!(answer instanceof Promise)) return answer;
  return answer.then((result) => {
    const { rowCount, rows } = result as pg.QueryResult<{ id?: unknown; position?: unknown }>;
    const traced: TracedStatement = {
      process: name,
      connection,
      text: text ?? "",
      values: Array.isArray(values) ? values : [],
      rowCount: rowCount ?? undefined,
      key: rows?.[0]?.id ?? rows?.[0]?.position,
      at,
    };
    process.send?.(traced);
    return result;
  });
} as typeof pg.Client.prototype.query;
process.channel?.unref();
