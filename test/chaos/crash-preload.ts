// Loaded before a service by `node --import`: kills a process when this one comes to a crash point. The service knows
// nothing of it, and without it there is nothing that could be switched on.
import pg from "pg";
import { CRASH_POINTS, type CrashPoint, isAt, type Statement } from "./crash-points.ts";

/** What the parent asks for; without a point, for nothing any more. */
export interface Arming {
  readonly point?: string;
  /** Passes by the point so often before. */
  readonly skip?: number;
  /** Whom to kill; by default this process. */
  readonly pid?: number;
}

/** What the parent is told: this process came by a point for the first time, or came to the one that it was armed for. */
export interface Met {
  readonly passed?: string;
  readonly reached?: string;
}

let armed: (Required<Arming> & { readonly place: CrashPoint }) | undefined;

process.on("message", ({ point = "", skip = 0, pid = process.pid }: Arming) => {
  const place = CRASH_POINTS[point];
  armed = place && { point, place, skip, pid };
});
// Nothing outlives whoever watches it.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref();

const passed = new Set<string>();
const transactions = new WeakMap<object, Statement[]>();
const send = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => unknown;

pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]): unknown {
  const statement = toStatement(args);
  const isCommit = statement.text === "commit";
  const sent = isCommit ? (transactions.get(this) ?? []) : [statement];
  const at = isCommit ? "commit" : "statement";
  if (statement.text.startsWith("begin")) transactions.set(this, []);
  else transactions.get(this)?.push(statement);
  meet("before", at, sent);
  const answer = send.apply(this, args);
  if (!(answer instanceof Promise)) return answer;
  return answer.then((result) => {
    // What changed or found nothing came to no point.
    if (isCommit || result?.rowCount > 0) meet("after", at, sent);
    return result;
  });
} as typeof pg.Client.prototype.query;

function meet(when: CrashPoint["when"], at: CrashPoint["at"], sent: readonly Statement[]): void {
  for (const [point, place] of Object.entries(CRASH_POINTS)) {
    if (passed.has(point) || !isAt(place, when, at, sent)) continue;
    passed.add(point);
    process.send?.({ passed: point });
  }
  if (!armed || !isAt(armed.place, when, at, sent)) return;
  if (armed.skip > 0) {
    armed = { ...armed, skip: armed.skip - 1 };
    return;
  }
  const { point, pid } = armed;
  armed = undefined;
  process.send?.({ reached: point });
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was killed by another hand meanwhile.
  }
}

function toStatement([first, second]: readonly unknown[]): Statement {
  const { text, values } = typeof first === "string" ? { text: first, values: second } : (first as Partial<Statement>);
  return { text: text ?? "", values: Array.isArray(values) ? values : [] };
}
