import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { type Subscription, subscription } from "@tenon/events";
import { toMinor } from "@tenon/money";
import type { Kysely } from "kysely";
import type { OrderFollowService } from "./order-follow-service.ts";
import type { Tables } from "./order-tables.ts";

/** What orders listen to. */
export const orderSubscriptions = (follow: (tx: Kysely<Tables>) => OrderFollowService): Subscription<Tables>[] => [
  subscription(userv1.UserEventSchema, ({ aggregateId, version, user }) => {
    // Nobody has an order without being a user first. Later versions count also where they change nothing: what is older than
    // they are is then known to be.
    if (version === 1n) return undefined;
    return async (tx) => {
      if (user && LEFT.includes(user.state)) await follow(tx).userLeft(aggregateId);
    };
  }),

  subscription(paymentv1.PaymentEventSchema, ({ payment }) => {
    if (payment === undefined || OPEN.includes(payment.state)) return undefined;
    const { orderId, refundedAmount } = payment;
    const refundedMinor = refundedAmount ? toMinor(refundedAmount).minor : 0n;
    return (tx) => follow(tx).paymentSettled({ orderId, refundedMinor });
  }),
];

const LEFT: readonly userv1.UserState[] = [userv1.UserState.BLOCKED, userv1.UserState.DELETED];

/** Nothing is decided while the processor is asked. */
const OPEN: readonly paymentv1.PaymentState[] = [
  paymentv1.PaymentState.AUTHORIZING,
  paymentv1.PaymentState.CAPTURING,
  paymentv1.PaymentState.VOIDING,
];
