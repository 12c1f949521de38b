import type { Guard } from "./guard.ts";

const STEPS = "services/payment/src/payment-guards";
const EVENT_INBOX = "packages/events/src/inbox/event-inbox";
const EVENT_OUTBOX = "packages/events/src/outbox/event-outbox";

/** What happened is told, in its order, and has one effect. */
export const eventGuards: readonly Guard[] = [
  {
    name: "a version that took effect has no second one",
    file: "packages/events/src/inbox/inbox-version.ts",
    on: "where inbox.version < excluded.version",
    off: "where true",
    tests: EVENT_INBOX,
  },
  {
    name: "a dead letter that is told again stays one",
    file: "packages/events/src/inbox/failed-events.ts",
    on: "case when failed_events.next_attempt_at is not null then excluded.next_attempt_at end",
    off: "excluded.next_attempt_at",
    tests: EVENT_INBOX,
  },
  {
    name: "an effect and what remembers it are one transaction",
    file: "packages/events/src/inbox/event-inbox.ts",
    on: "await claimVersion(tx, event)",
    off: "await claimVersion(db, event)",
    tests: EVENT_INBOX,
  },
  {
    name: "a version is told after the one before it",
    file: "packages/events/src/outbox/event-outbox.ts",
    on: "and earlier.version < due.version and num_nulls(earlier.published_at) = 1",
    off: "and false",
    tests: EVENT_OUTBOX,
  },
  {
    name: "relays do not tell what another has claimed",
    file: "packages/events/src/outbox/event-outbox.ts",
    on: "where published_at is null and next_attempt_at <= now() and not exists (",
    off: "where published_at is null and not exists (",
    tests: EVENT_OUTBOX,
  },
  {
    name: "relays that look at once claim no event twice",
    file: "packages/events/src/outbox/event-outbox.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
    on: "          limit ${limit}\n          for update skip locked",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
    off: "          limit ${limit}",
    tests: EVENT_OUTBOX,
  },
  {
    name: "what was told before a replay or by a claim that was lost is not marked as told",
    file: "packages/events/src/outbox/event-outbox.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template.
    on: "\n      and attempts = (${attempts})[array_position(${positions}, position)]",
    off: "",
    tests: EVENT_OUTBOX,
  },
  {
    name: "no version is without its event",
    file: "packages/events/src/outbox/migrations/0001-outbox.sql",
    on: "if not exists (\n    select from outbox",
    off: "if false and not exists (\n    select from outbox",
    tests: "packages/events/src/outbox/write-event",
  },
  {
    name: "no version of an order is without its event",
    file: "services/order/src/migrations/0005-order-events.sql",
    on: "when (old.version is distinct from new.version)",
    off: "when (false)",
    tests: "services/order/src/saga/postgres-order-queue",
  },
  {
    name: "no version of a payment is without its event",
    file: "services/payment/src/migrations/0004-payment-events.sql",
    on: "when (old.version is distinct from new.version)",
    off: "when (false)",
    tests: STEPS,
  },
  {
    name: "no version of a user is without its event",
    file: "services/user/src/migrations/0004-user-events.sql",
    on: "when (old.version is distinct from new.version)",
    off: "when (false)",
    tests: "services/user/src/user-events",
  },
  {
    name: "a service tells its own events only",
    file: "packages/events/src/event-handler.ts",
    on: "assertOwn(event.$typeName, call);",
    off: "",
    tests: "packages/events/src/grpc-delivery",
  },
];
