import type { Generated, Selectable } from "kysely";
import type { LedgerTables } from "./ledger/ledger-tables.ts";
import type { Payment, Step, Work } from "./payment.ts";
import type { FindingTables } from "./reconciliation/finding-tables.ts";

interface PaymentTable {
  id: string;
  order_id: string;
  user_id: string;
  currency: string;
  amount_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
  refunding_minor: bigint;
  state: Payment["state"];
  decline_reason: string;
  payment_method: string | null;
  authorization_id: string | null;
  created_at: Date;
  updated_at: Date;
  version: bigint;
}

interface StepTable {
  id: string;
  payment_id: string;
  kind: Step["kind"];
  request_id: string;
  currency: string;
  amount_minor: bigint;
  state: Step["state"];
  attempts: number;
  lease_expires_at: Date;
  created_at: Date;
  compared_at: Generated<Date | null>;
}

export interface Tables extends LedgerTables, FindingTables {
  payments: PaymentTable;
  steps: StepTable;
}

export type PaymentRow = Selectable<PaymentTable>;

/** A payment with one of its steps beside it. */
export type WorkRow = PaymentRow &
  Pick<Selectable<StepTable>, "kind" | "request_id" | "attempts"> & {
    step_id: string;
    step_currency: string;
    step_amount_minor: bigint;
    step_state: Step["state"];
  };

/** The columns of a step beside those of its payment. */
export const STEP_COLUMNS = [
  "steps.id as step_id",
  "steps.kind",
  "steps.request_id",
  "steps.currency as step_currency",
  "steps.amount_minor as step_amount_minor",
  "steps.state as step_state",
  "steps.attempts",
] as const;

export const toPayment = (row: PaymentRow): Payment => ({
  id: row.id,
  orderId: row.order_id,
  userId: row.user_id,
  amount: { currency: row.currency, minor: row.amount_minor },
  capturedMinor: row.captured_minor,
  refundedMinor: row.refunded_minor,
  refundingMinor: row.refunding_minor,
  state: row.state,
  declineReason: row.decline_reason,
  paymentMethod: row.payment_method,
  authorizationId: row.authorization_id,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  version: row.version,
});

export const toRow = (payment: Payment): PaymentRow => ({
  id: payment.id,
  order_id: payment.orderId,
  user_id: payment.userId,
  currency: payment.amount.currency,
  amount_minor: payment.amount.minor,
  captured_minor: payment.capturedMinor,
  refunded_minor: payment.refundedMinor,
  refunding_minor: payment.refundingMinor,
  state: payment.state,
  decline_reason: payment.declineReason,
  payment_method: payment.paymentMethod,
  authorization_id: payment.authorizationId,
  created_at: payment.createdAt,
  updated_at: payment.updatedAt,
  version: payment.version,
});

export const toWork = (row: WorkRow): Work => ({
  payment: toPayment(row),
  step: {
    id: row.step_id,
    paymentId: row.id,
    kind: row.kind,
    requestId: row.request_id,
    amount: { currency: row.step_currency, minor: row.step_amount_minor },
    state: row.step_state,
    attempts: row.attempts,
  },
});
