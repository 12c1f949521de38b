import type { OrderRepository } from "./order-service.ts";
import { ruleOf, unpaidStates } from "./order-states.ts";

export interface OrderFollowServiceOptions {
  orders: Pick<OrderRepository, "findAndLock" | "lockOfUser" | "move" | "wake">;
  now: () => Date;
}

export type OrderFollowService = ReturnType<typeof createOrderFollowService>;

/** How a payment stands once the processor has answered. */
export interface SettledPayment {
  readonly orderId: string;
  readonly refundedMinor: bigint;
}

/** Orders locked at once. */
const BATCH = 100;
const ANYBODY = { userId: "", isAdmin: true };

/** What happens to orders because of what happened elsewhere. Each function runs in one transaction, in which it is remembered. */
export function createOrderFollowService({ orders, now }: OrderFollowServiceOptions) {
  return {
    /** What a user who may order no more has open is cancelled, unless its money was taken already. */
    async userLeft(userId: string): Promise<void> {
      for (let found = BATCH; found === BATCH; ) {
        const open = await orders.lockOfUser(userId, unpaidStates, BATCH);
        for (const order of open) await orders.move(order, ruleOf(order.state).cancel ?? order.state, now());
        found = open.length;
      }
    },

    /**
     * The worker looks at the order at once, which it does else when a delay is over. A paid order whose money was given
     * back by somebody else follows: all of it makes it REFUNDING, from where the worker goes on.
     */
    async paymentSettled({ orderId, refundedMinor }: SettledPayment): Promise<void> {
      const order = refundedMinor > 0n ? await orders.findAndLock(orderId, ANYBODY) : undefined;
      // What the order has asked for itself may be told before its answer was written down.
      const strangeMinor = order ? refundedMinor - order.refunded.minor - order.refunding.minor : 0n;
      if (order?.state !== "CONFIRMED" || strangeMinor <= 0n) return orders.wake(orderId);
      if (refundedMinor >= order.total.minor) return void (await orders.move(order, "REFUNDING", now()));
      const refunded = { ...order.refunded, minor: order.refunded.minor + strangeMinor };
      await orders.move({ ...order, refunded }, "CONFIRMED", now());
    },
  };
}
