import type { ServiceName } from "../processes/process-platform.ts";

/**
 * A place where something is killed, told by what the process is about to write or has just written. Between two
 * statements a process changes nothing that outlives it, so that these are all the places at which a crash can differ.
 */
export interface CrashPoint {
  /** Whose process comes by. */
  readonly service: ServiceName;
  /** Before it is sent, or once it was answered. */
  readonly when: "before" | "after";
  /** The statement itself, or the commit of a transaction that has it. */
  readonly at: "statement" | "commit";
  readonly sql: RegExp;
  /** One of the statement's parameters. */
  readonly value?: string;
  /** A run in which nothing was lost does not come by. */
  readonly isRare?: boolean;
}

/** What a process sends to its database. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

const PLACE = /insert into "orders"/;
const CLAIM = /update orders set claimed_by/;
const ASK = /update "orders" set "payment_asked_at"/;
const MOVE = /update "orders" set "state"/;
const REFUND_DONE = /update "order_refunds" set "state"/;
const BEGIN_STEP = /insert into "steps"/;
const SETTLE_STEP = /update "steps" set "state"/;
const TAKE_UP_STEP = /update "steps" set "attempts"/;
const APPEND = /insert into "transactions"/;
const TOLD = /update outbox set published_at/;
const HEARD = /insert into inbox/;
const COMPARED = /update "steps" set "compared_at"/;
const READ_USER = /from "users"/;

const STEPS = ["AUTHORIZE", "CAPTURE", "VOID", "REFUND"] as const;

export const CRASH_POINTS: Readonly<Record<string, CrashPoint>> = {
  ...roundCommit("order.place", "order", PLACE),
  "order.claim.after": { service: "order", when: "after", at: "statement", sql: CLAIM },
  "order.ask.after": { service: "order", when: "after", at: "statement", sql: ASK },
  ...roundStatement("order.authorized", "order", MOVE, "AUTHORIZED"),
  ...roundStatement("order.confirmed", "order", MOVE, "CONFIRMED"),
  ...roundStatement("order.failed", "order", MOVE, "FAILED"),
  ...roundCommit("order.cancel", "order", MOVE, "CANCELLING"),
  ...roundStatement("order.cancelled", "order", MOVE, "CANCELLED"),
  ...roundCommit("order.refund", "order", REFUND_DONE),
  ...Object.assign(
    {},
    ...STEPS.map((kind) => roundCommit(`payment.${kind.toLowerCase()}`, "payment", BEGIN_STEP, kind)),
  ),
  "payment.answer.before": { service: "payment", when: "before", at: "statement", sql: SETTLE_STEP },
  ...roundCommit("payment.settle", "payment", SETTLE_STEP),
  "payment.take-up.after": { service: "payment", when: "after", at: "statement", sql: TAKE_UP_STEP, isRare: true },
  ...Object.assign(
    {},
    ...STEPS.map((kind) => roundCommit(`processor.${kind.toLowerCase()}`, "processor", APPEND, kind)),
  ),
  ...roundStatement("order.told", "order", TOLD),
  ...roundStatement("payment.told", "payment", TOLD),
  ...roundCommit("order.heard", "order", HEARD),
  ...roundStatement("payment.compared", "payment", COMPARED),
  "user.read.after": { service: "user", when: "after", at: "statement", sql: READ_USER },
};

function roundCommit(name: string, service: ServiceName, sql: RegExp, value?: string): Record<string, CrashPoint> {
  const point = { service, at: "commit", sql, ...(value !== undefined && { value }) } as const;
  return {
    [`${name}.before_commit`]: { ...point, when: "before" },
    [`${name}.after_commit`]: { ...point, when: "after" },
  };
}

function roundStatement(name: string, service: ServiceName, sql: RegExp, value?: string): Record<string, CrashPoint> {
  const point = { service, at: "statement", sql, ...(value !== undefined && { value }) } as const;
  return { [`${name}.before`]: { ...point, when: "before" }, [`${name}.after`]: { ...point, when: "after" } };
}

/** Whether a process that sends these statements, or the commit of them, has come to the point. */
export const isAt = (point: CrashPoint, when: CrashPoint["when"], at: CrashPoint["at"], sent: readonly Statement[]) =>
  point.when === when &&
  point.at === at &&
  sent.some(({ text, values }) => point.sql.test(text) && (point.value === undefined || values.includes(point.value)));
