import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOrderWorld } from "./order-fixture.ts";
import { createOrderFollowService } from "./order-follow-service.ts";
import { createOrderRepository } from "./order-repository.ts";
import type { OrderState } from "./order-states.ts";

let world: Awaited<ReturnType<typeof createOrderWorld>>;
beforeAll(async () => {
  world = await createOrderWorld();
});
afterAll(() => world.close());

const TOTAL = 3998n;
const PAID: readonly OrderState[] = ["CONFIRMED", "REFUNDING", "REFUNDED"];
const UNPAID: readonly OrderState[] = ["PENDING", "AUTHORIZED"];
const CANCELLED: Readonly<Partial<Record<OrderState, OrderState>>> = {
  PENDING: "CANCELLING",
  AUTHORIZED: "CANCELLING",
  CONFIRMED: "REFUNDING",
};

/** What an order ought to be, told without the table that the rules read. */
interface Model {
  state: OrderState;
  refunded: bigint;
  refunding: bigint;
  /** A request for money may have left. */
  isAsked: boolean;
  isUserActive: boolean;
  isCardGood: boolean;
}

interface Real {
  id: string;
}

type Command = fc.AsyncCommand<Model, Real>;

/** The order and the versions of it that are told. */
async function keptOf({ id }: Real) {
  const { rows } = await sql<{ events: string }>`
    select string_agg(version::text, ',' order by version) as events from outbox where aggregate_id = ${id}`.execute(
    world.db,
  );
  return { order: await world.read(id), events: rows[0]?.events };
}

/** What changes the model and the order alike, or is refused with `reason` and changes nothing. */
const step = (
  name: string,
  act: (real: Real) => Promise<unknown>,
  expected: (model: Model) => Partial<Model> | string,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command => ({
  check,
  async run(model, real) {
    const before = await keptOf(real);
    const next = expected(model);
    if (typeof next === "string") {
      await expect(act(real)).rejects.toMatchObject({ code: "FAILED_PRECONDITION", reason: next });
      expect(await keptOf(real)).toEqual(before);
      return;
    }
    await act(real);
    const { order, events } = await keptOf(real);
    const { state, refunded, refunding } = Object.assign(model, next);
    const minor = { refunded: { minor: refunded }, refunding: { minor: refunding } };
    expect(order).toMatchObject({ state, ...minor });
    expect(events).toBe(Array.from({ length: Number(order.version) }, (_, index) => index + 1).join(","));
    expect(order.updatedAt.getTime()).toBeGreaterThanOrEqual(before.order.updatedAt.getTime());
    const account = world.payments.accounts.get(real.id);
    const charged = PAID.includes(state) ? [TOTAL] : [];
    expect(account?.charges ?? []).toEqual(charged);
    expect(account?.refundedMinor ?? 0n).toBe(refunded);
  },
  toString: () => name,
});

const cancel = step(
  "cancel",
  ({ id }) => world.cancel(id),
  ({ state }) => (state === "FAILED" ? "ORDER_NOT_CANCELLABLE" : { state: CANCELLED[state] ?? state }),
);

const refund = (minor: bigint) =>
  step(
    `refund ${minor}`,
    ({ id }) => world.refund(id, minor),
    ({ state, refunded, refunding }) => {
      if (!PAID.includes(state)) return "PAYMENT_STATE_CONFLICT";
      const left = state === "CONFIRMED" ? TOTAL - refunded - refunding : 0n;
      if (minor > left) return "AMOUNT_EXCEEDS_CAPTURED";
      return { state: minor === left ? "REFUNDING" : state, refunding: refunding + minor };
    },
  );

const block = step(
  "block the user",
  async () => {
    world.users.active = false;
  },
  () => ({ isUserActive: false }),
);

const hearOfBlock = step(
  "hear that the user is blocked",
  () =>
    world.db.transaction().execute((tx) => {
      const follow = createOrderFollowService({ orders: createOrderRepository(tx), now: () => new Date() });
      return follow.userLeft(world.user.userId);
    }),
  ({ state }) => ({ state: UNPAID.includes(state) ? "CANCELLING" : state }),
  ({ isUserActive }) => !isUserActive,
);

/** One step of a worker that is stopped then. */
const workOnce = step(
  "one step",
  async () => {
    const [order] = await world.queue.claim(1);
    const next = order && (await world.saga(order, AbortSignal.timeout(10_000)));
    if (next) await world.queue.release(next);
  },
  ({ state, isAsked, isUserActive, isCardGood }) => {
    if (state === "AUTHORIZED") return { state: "CONFIRMED" };
    if (isAsked) return { state: isCardGood ? "AUTHORIZED" : "FAILED" };
    return isUserActive ? { isAsked: true } : { state: "FAILED" };
  },
  ({ state }) => UNPAID.includes(state),
);

const work = step(
  "all there is to do",
  () => world.work(),
  (model) => {
    const { state, refunded, refunding, isAsked, isUserActive, isCardGood } = model;
    if (state === "AUTHORIZED") return { state: "CONFIRMED" };
    if (state === "PENDING") {
      const isPaid = (isAsked || isUserActive) && isCardGood;
      return { state: isPaid ? "CONFIRMED" : "FAILED", isAsked: isAsked || isUserActive };
    }
    if (state === "CANCELLING") return { state: "CANCELLED" };
    if (state === "REFUNDING") return { state: "REFUNDED", refunded: TOTAL, refunding: 0n };
    return { refunded: refunded + refunding, refunding: 0n };
  },
);

test("17, 20: whatever happens to an order in whatever order, it is where the model is, and what is refused leaves nothing", async () => {
  const refunds = fc.oneof(fc.bigInt({ min: 1n, max: 2000n }), fc.constant(TOTAL)).map(refund);
  const others = [cancel, block, hearOfBlock, workOnce, workOnce, work, work].map((each) => fc.constant(each));
  const commands = fc.commands([...others, refunds, refunds], { maxCommands: 12 });
  await fc.assert(
    fc.asyncProperty(commands, fc.boolean(), async (commands, isCardGood) => {
      world.users.active = true;
      const { id } = await world.place({ paymentMethod: isCardGood ? "pm_ok" : "pm_declined" });
      const model: Model = {
        ...{ state: "PENDING", refunded: 0n, refunding: 0n },
        ...{ isAsked: false, isUserActive: true, isCardGood },
      };
      await fc.asyncModelRun(() => ({ model, real: { id } }), commands);
      await world.work();
    }),
    { numRuns: 60 },
  );
}, 60_000);
