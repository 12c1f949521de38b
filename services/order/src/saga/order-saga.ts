import { v5 as uuidv5 } from "uuid";
import type { OrderFailure, Refund } from "../order.ts";
import { type OrderStep, ruleOf, stepOf } from "../order-states.ts";
import type { ClaimedOrder, OrderQueue } from "./order-queue.ts";
import type { Payment, PaymentState, Payments } from "./payments.ts";
import type { Users } from "./users.ts";

export interface OrderSagaOptions {
  queue: Pick<OrderQueue, "reload" | "markAsked" | "nextRefund" | "change">;
  payments: Payments;
  users: Users;
}

/**
 * Does one step of a claimed order. Resolves with the order where there is more to do under this claim; with undefined
 * where it rests, or where the claim was lost. Rejects where the outcome is open: then the step is done again, by whomever,
 * with the same request ids, and has no second effect. So it may be cut off anywhere.
 */
export type OrderSaga = (order: ClaimedOrder, signal: AbortSignal) => Promise<ClaimedOrder | undefined>;

export function createOrderSaga({ queue, payments, users }: OrderSagaOptions): OrderSaga {
  const steps: Record<OrderStep, OrderSaga> = {
    async authorize(order, signal) {
      if (order.paymentAsked) return follow(order, await askForPayment(order, signal));
      if (await users.isActive(order.userId, signal)) return (await queue.markAsked(order)) ?? queue.reload(order);
      return endUnasked(order, { reason: "USER_NOT_ACTIVE", message: "the user may not order" });
    },

    async capture(order, signal) {
      const request = { requestId: requestId(order, "capture"), paymentId: paymentIdOf(order) };
      return follow(order, await payments.capture(request, signal));
    },

    async release(order, signal) {
      if (!order.paymentAsked) return endUnasked(order);
      // The request for money may have left without its answer having come: asking again is how to learn what to release.
      if (order.paymentId === undefined) return follow(order, await askForPayment(order, signal));
      const request = { requestId: requestId(order, "release"), paymentId: order.paymentId };
      return follow(order, await payments.release(request, signal));
    },

    async refund(order, signal) {
      const asked = await queue.nextRefund(order);
      const refund = asked ?? { id: restId(order), amountMinor: order.total.minor - order.refunded.minor };
      const amount = { currency: order.total.currency, minor: refund.amountMinor };
      const request = { requestId: refund.id, paymentId: paymentIdOf(order), amount };
      return followRefund(order, { refund, asked: asked !== undefined }, await payments.refund(request, signal));
    },
  };

  const askForPayment = (order: ClaimedOrder, signal: AbortSignal) =>
    payments.authorize(
      {
        requestId: requestId(order, "authorize"),
        orderId: order.id,
        userId: order.userId,
        amount: order.total,
        paymentMethod: order.paymentMethod,
      },
      signal,
    );

  /** Ends an order for which no payment can exist: had a request left, another version or claim would be in its row. */
  async function endUnasked(order: ClaimedOrder, failure?: OrderFailure) {
    const { unasked: state } = ruleOf(order.state);
    if (state === undefined) throw new Error(`order ${order.id} cannot end ${order.state} without a payment`);
    return goOn((await queue.change(order, { state, ...(failure && { failure }) })) ?? (await queue.reload(order)));
  }

  /**
   * Brings the order to where its payment is. What the payment is found to be stays true whatever happened to the order
   * meanwhile, so after a cancellation that came between it is applied to the order as it is now.
   */
  async function follow(order: ClaimedOrder, payment: Payment): Promise<ClaimedOrder | undefined> {
    let current: ClaimedOrder | undefined = order;
    while (current !== undefined) {
      const next = ruleOf(current.state).payment?.[payment.state];
      const paymentId = current.paymentId ?? payment.id;
      if (next === undefined && paymentId === current.paymentId) {
        if (current.version !== order.version) return goOn(current);
        throw new Error(`order ${order.id} is ${order.state} while its payment is ${payment.state}`);
      }
      const state = next ?? current.state;
      const changed: ClaimedOrder | undefined = await queue.change(current, {
        state,
        paymentId,
        ...(state === "FAILED" && { failure: failureOf(payment) }),
        ...(state === "REFUNDED" && { refunded: current.total }),
      });
      if (changed !== undefined) return goOn(changed);
      current = await queue.reload(order);
    }
    return undefined;
  }

  /**
   * Notes a refund that is done. Refunds of an order are asked for one after the other, so that the payment tells of each
   * whether it is: what it has given back includes this one. A cancellation or another refund may have come meanwhile.
   * Where somebody else gave money back, so that less is left than was asked for, the order follows the payment, and the
   * rest of an order that is given back as a whole is asked for next.
   */
  async function followRefund(
    order: ClaimedOrder,
    { refund, asked }: { refund: Refund; asked: boolean },
    payment: Payment,
  ) {
    let current: ClaimedOrder | undefined = order;
    while (current !== undefined) {
      const refunded = { ...current.refunded, minor: current.refunded.minor + refund.amountMinor };
      const given = { ...refunded, minor: payment.refundedMinor ?? 0n };
      const done = given.minor >= refunded.minor;
      if (!done && given.minor <= current.refunded.minor) {
        throw new Error(`a refund of order ${order.id} was refused while its payment is ${payment.state}`);
      }
      const changed: ClaimedOrder | undefined = await queue.change(current, {
        state: refunded.minor === current.total.minor && done ? "REFUNDED" : current.state,
        refunded: done ? refunded : given,
        ...(asked && { refund, refundState: done ? "DONE" : "REFUSED" }),
      });
      if (changed !== undefined) return goOn(changed);
      current = await queue.reload(order);
    }
    return undefined;
  }

  return async (order, signal) => {
    const step = stepOf(order);
    return step && steps[step](order, signal);
  };
}

/** An id of its own for each step of each order, the same in every attempt and in every process. */
export const requestId = (order: { id: string }, step: OrderStep): string => uuidv5(step, order.id);

/** The same for what is left of it: another one where another amount is. */
const restId = (order: ClaimedOrder): string =>
  order.refunded.minor === 0n ? requestId(order, "refund") : uuidv5(`refund after ${order.refunded.minor}`, order.id);

const goOn = (order: ClaimedOrder | undefined) => (order && stepOf(order) ? order : undefined);

function paymentIdOf({ id, paymentId }: ClaimedOrder): string {
  if (paymentId === undefined) throw new Error(`order ${id} has no payment`);
  return paymentId;
}

const FAILURES: Partial<Record<PaymentState, OrderFailure>> = {
  DECLINED: { reason: "PAYMENT_DECLINED", message: "the payment was declined" },
  EXPIRED: { reason: "AUTHORIZATION_EXPIRED", message: "the reservation of the money ran out before it was taken" },
};

function failureOf({ state, declineReason }: Payment): OrderFailure {
  const { reason, message } = FAILURES[state] ?? {
    reason: "PAYMENT_STATE_CONFLICT",
    message: "the reservation of the money was released before it was taken",
  };
  return { reason, message: declineReason ? `${message}: ${declineReason}` : message };
}
