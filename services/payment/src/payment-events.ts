import * as paymentv1 from "@tenon/contracts/payment/v1";
import { type NewEvent, toEvent } from "@tenon/events";
import type { Payment } from "./payment.ts";
import { toWire } from "./payment-wire.ts";

/** What others are told of a version of a payment. */
export const toPaymentEvent = (payment: Payment): NewEvent =>
  toEvent(
    paymentv1.PaymentEventSchema,
    { aggregateId: payment.id, version: payment.version, at: payment.updatedAt },
    { payment: toWire(payment) },
  );
