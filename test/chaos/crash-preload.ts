// Loaded before a service by `node --import`: kills a process when this one comes to a crash point. The service knows
// nothing of it, and without it there is nothing that could be switched on.
import type { RoundTrip } from "@tenon/database/round-trip";
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
  const [trip] = args;
  // Others are of migrations and listeners.
  if (!isRoundTrip(trip)) return send.apply(this, args);
  const sent = trip.statements.map(({ sql: text, parameters: values }) => ({ text, values }));
  const begins = sent[0]?.text.startsWith("begin") === true;
  const isCommit = sent.at(-1)?.text === "commit";
  const ofTransaction = [...(begins ? [] : (transactions.get(this) ?? [])), ...sent];
  if (isCommit || sent.at(-1)?.text === "rollback") transactions.delete(this);
  else if (begins || transactions.has(this)) transactions.set(this, ofTransaction);
  meet("before", "statement", sent);
  if (isCommit) meet("before", "commit", ofTransaction);
  const { callback } = trip;
  trip.callback = (error, answers = []) => {
    // What changed or found nothing came to no point.
    meet(
      "after",
      "statement",
      sent.filter((_, index) => /[1-9]\d*$/.test(answers[index]?.text ?? "")),
    );
    if (isCommit && !error) meet("after", "commit", ofTransaction);
    callback(error, answers);
  };
  return send.apply(this, args);
} as typeof pg.Client.prototype.query;

const isRoundTrip = (query: unknown): query is RoundTrip =>
  typeof query === "object" && query !== null && "statements" in query;

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
