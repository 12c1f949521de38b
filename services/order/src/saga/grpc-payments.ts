import * as paymentv1 from "@tenon/contracts/payment/v1";
import { StatusError } from "@tenon/errors";
import type { CallOptions, Client } from "@tenon/grpc";
import { fromMinor, toMinor } from "@tenon/money";
import type { Payment, PaymentState, Payments } from "./payments.ts";

export interface GrpcPaymentsOptions {
  client: Client<typeof paymentv1.PaymentService>;
  /** For one call; by default 8 s. */
  timeoutMs?: number;
}

/**
 * Payments by the payment service. A refusal that is about the payment's state says that something else moved it: then
 * it is read, and found as it is. Every other error leaves the outcome open.
 */
export function createGrpcPayments({ client, timeoutMs = 8000 }: GrpcPaymentsOptions): Payments {
  /** A payment in a response, or as it is read where the step was refused. */
  async function found(step: Promise<Response>, read: () => Promise<Payment>): Promise<Payment> {
    try {
      return toPayment((await step).payment);
    } catch (error) {
      if (isRefusal(error, STATE_REFUSALS)) return read();
      throw error;
    }
  }

  const read = async (paymentId: string, options: CallOptions) =>
    toPayment((await client.getPayment({ paymentId }, options)).payment);

  /** The payment that an order has: the newest, as only declined ones are followed by another. */
  async function readOfOrder(orderId: string, options: CallOptions): Promise<Payment> {
    const { payments } = await client.listPayments({ orderId, pageSize: 1 }, options);
    return toPayment(payments[0]);
  }

  return {
    async authorize({ amount, ...request }, signal) {
      const options = { signal, timeoutMs };
      try {
        const step = client.authorizePayment({ ...request, amount: fromMinor(amount) }, options);
        return await found(step, () => readOfOrder(request.orderId, options));
      } catch (error) {
        if (!isRefusal(error, ["PAYMENT_DECLINED"])) throw error;
        return { id: undefined, state: "DECLINED", declineReason: error.metadata.decline_reason };
      }
    },

    capture: ({ requestId, paymentId }, signal) => {
      const options = { signal, timeoutMs };
      return found(client.capturePayment({ requestId, paymentId }, options), () => read(paymentId, options));
    },

    release: ({ requestId, paymentId }, signal) => {
      const options = { signal, timeoutMs };
      return found(client.voidPayment({ requestId, paymentId }, options), () => read(paymentId, options));
    },

    refund: ({ requestId, paymentId, amount }, signal) => {
      const options = { signal, timeoutMs };
      const step = client.refundPayment({ requestId, paymentId, amount: fromMinor(amount) }, options);
      return found(step, () => read(paymentId, options));
    },
  };
}

interface Response {
  payment?: paymentv1.Payment | undefined;
}

const STATE_REFUSALS = ["PAYMENT_STATE_CONFLICT", "AMOUNT_EXCEEDS_CAPTURED"];

const isRefusal = (error: unknown, reasons: readonly string[]): error is StatusError =>
  error instanceof StatusError && error.code === "FAILED_PRECONDITION" && reasons.includes(error.reason ?? "");

function toPayment(payment: paymentv1.Payment | undefined): Payment {
  const state = payment && STATES[payment.state];
  if (payment === undefined || state === undefined) throw new Error("the payment service answered without a payment");
  const { id, refundedAmount, declineReason } = payment;
  const refundedMinor = refundedAmount && toMinor(refundedAmount).minor;
  return { id, state, refundedMinor, declineReason: declineReason || undefined };
}

const STATES: Partial<Record<paymentv1.PaymentState, PaymentState>> = {
  [paymentv1.PaymentState.AUTHORIZING]: "AUTHORIZING",
  [paymentv1.PaymentState.AUTHORIZED]: "AUTHORIZED",
  [paymentv1.PaymentState.DECLINED]: "DECLINED",
  [paymentv1.PaymentState.CAPTURING]: "CAPTURING",
  [paymentv1.PaymentState.CAPTURED]: "CAPTURED",
  [paymentv1.PaymentState.VOIDING]: "VOIDING",
  [paymentv1.PaymentState.VOIDED]: "VOIDED",
  [paymentv1.PaymentState.EXPIRED]: "EXPIRED",
  [paymentv1.PaymentState.PARTIALLY_REFUNDED]: "PARTIALLY_REFUNDED",
  [paymentv1.PaymentState.REFUNDED]: "REFUNDED",
};
