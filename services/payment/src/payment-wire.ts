import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { fromMinor } from "@tenon/money";
import type { Payment } from "./payment.ts";

/** A payment as callers see it. */
export function toWire(payment: Payment): MessageInitShape<typeof paymentv1.PaymentSchema> {
  const { currency } = payment.amount;
  return {
    id: payment.id,
    orderId: payment.orderId,
    userId: payment.userId,
    amount: fromMinor(payment.amount),
    capturedAmount: fromMinor({ currency, minor: payment.capturedMinor }),
    refundedAmount: fromMinor({ currency, minor: payment.refundedMinor }),
    state: paymentv1.PaymentState[payment.state],
    declineReason: payment.declineReason,
    createTime: timestampFromDate(payment.createdAt),
    updateTime: timestampFromDate(payment.updatedAt),
    etag: String(payment.version),
  };
}
