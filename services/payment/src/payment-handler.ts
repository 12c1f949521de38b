import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { Once, Paging } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { type Call, type Implementation, implement } from "@tenon/grpc";
import { principalOf } from "@tenon/interceptors";
import { toMinor } from "@tenon/money";
import type { Transaction } from "kysely";
import type { Work } from "./payment.ts";
import type { PaymentDriver } from "./payment-driver.ts";
import { notAllowed } from "./payment-errors.ts";
import { answerOf, type PaymentService } from "./payment-service.ts";
import type { Tables } from "./payment-tables.ts";
import { toWire } from "./payment-wire.ts";
import type { Verdict } from "./processor.ts";

export interface PaymentHandlerOptions {
  /** The rules, on the database or in a transaction. */
  payments: (tx?: Transaction<Tables>) => PaymentService;
  driver: PaymentDriver;
  once: Once<Tables>;
  paging: Paging;
}

export function createPaymentHandler(options: PaymentHandlerOptions): Implementation {
  const { payments, driver, once, paging } = options;

  /** Write the step, ask the processor, write its answer: the one way in which a request changes a payment. */
  const steps = (call: Call, begin: (service: PaymentService) => Promise<Work>) => ({
    begin: (tx: Transaction<Tables>) => begin(payments(tx)),
    // Settled already where an attempt that was lost, or the worker after it, came so far.
    act: async (work: Work): Promise<Verdict | undefined> =>
      work.step.state === "PENDING" ? driver.ask(work, call.signal) : undefined,
    async finish(tx: Transaction<Tables>, verdict: Verdict | undefined, work: Work) {
      const answer = answerOf(verdict ? await payments(tx).settle(work.step, verdict) : work);
      return answer instanceof StatusError ? answer : { payment: toWire(answer) };
    },
  });

  return implement(paymentv1.PaymentService, {
    authorizePayment(request, call) {
      const { paymentMethod } = request;
      const ids = {
        ...requestOf(request),
        orderId: request.orderId.toLowerCase(),
        userId: request.userId.toLowerCase(),
      };
      const order = { ...ids, paymentMethod, amount: toMinor(request.amount) };
      const begin = steps(call, (service) => service.authorize(order));
      return once.inSteps(call, request, paymentv1.AuthorizePaymentResponseSchema, begin);
    },

    capturePayment(request, call) {
      const begin = steps(call, (service) => service.capture(aboutPayment(request)));
      return once.inSteps(call, request, paymentv1.CapturePaymentResponseSchema, begin);
    },

    voidPayment(request, call) {
      const begin = steps(call, (service) => service.void(aboutPayment(request)));
      return once.inSteps(call, request, paymentv1.VoidPaymentResponseSchema, begin);
    },

    refundPayment(request, call) {
      const refund = { ...aboutPayment(request), amount: toMinor(request.amount) };
      const begin = steps(call, (service) => service.refund(refund));
      return once.inSteps(call, request, paymentv1.RefundPaymentResponseSchema, begin);
    },

    async getPayment({ paymentId }, call) {
      return { payment: toWire(await payments().get(paymentId, { userId: ownerOf(call) })) };
    },

    async listPayments(request, call) {
      const filter = { userId: ownerOf(call), orderId: request.orderId.toLowerCase() || undefined };
      const list = { method: call.method.path, ...filter };
      const paged = await payments().list(paging.toPage(request, list), filter);
      return { payments: paged.items.map(toWire), nextPageToken: paging.toToken(paged, list) };
    },
  });
}

/** Ids are the same in either case of letters; what is derived from them is not. */
const requestOf = ({ requestId }: { requestId: string }) => ({ requestId: requestId.toLowerCase() });

const aboutPayment = (request: { requestId: string; paymentId: string }) => ({
  ...requestOf(request),
  paymentId: request.paymentId.toLowerCase(),
});

/** Whose payments a caller may see; undefined: everybody's. The contract lets in users and services only. */
function ownerOf(call: Call): string | undefined {
  const principal = principalOf(call);
  if (principal.kind === "anonymous") throw notAllowed();
  return principal.kind === "user" && principal.role !== "admin" ? principal.id : undefined;
}
