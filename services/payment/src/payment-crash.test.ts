import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import type { StepKind } from "./payment.ts";
import { LEASE_MS, servePayment, usd } from "./payment-server-fixture.ts";
import type { Faults } from "./processor-fixture.ts";

const options = { timeoutMs: 10_000 };
const { PaymentState } = paymentv1;

type Served = Awaited<ReturnType<typeof servePayment>>;

/** Each step as a request that may be repeated, and the state that it ends in. */
const STEPS: Record<StepKind, { state: number; request: (served: Served) => Promise<Attempt> }> = {
  AUTHORIZE: {
    state: PaymentState.AUTHORIZED,
    async request({ order, authorization }) {
      const request = authorization();
      return () => order.authorizePayment(request, options);
    },
  },
  CAPTURE: {
    state: PaymentState.CAPTURED,
    async request({ order, authorized }) {
      const request = { requestId: randomUUID(), paymentId: (await authorized()).id };
      return () => order.capturePayment(request, options);
    },
  },
  VOID: {
    state: PaymentState.VOIDED,
    async request({ order, authorized }) {
      const request = { requestId: randomUUID(), paymentId: (await authorized()).id };
      return () => order.voidPayment(request, options);
    },
  },
  REFUND: {
    state: PaymentState.PARTIALLY_REFUNDED,
    async request({ order, captured }) {
      const request = { requestId: randomUUID(), paymentId: (await captured()).id, amount: usd(4n) };
      return () => order.refundPayment(request, options);
    },
  },
};

type Attempt = () => Promise<{ payment?: paymentv1.Payment | undefined }>;

/** A process that is killed when it has come to this point: nothing of its attempt goes on. */
function dieAt(served: Served, point: keyof Faults): Promise<void> {
  return new Promise((reached) => {
    served.processor.faults = {
      [point]: () => {
        served.processor.faults = {};
        reached();
        return new Promise<never>(() => {});
      },
    };
  });
}

const countOf = ({ processor }: Served, kind: StepKind) =>
  processor.approved.filter((movement) => movement.kind === kind).length;

for (const kind of Object.keys(STEPS) as StepKind[]) {
  const { state, request } = STEPS[kind];
  for (const [point, number] of [
    ["before", 8],
    ["after", 7],
  ] as const) {
    test(`${number}: killed ${point} the processor did its part of ${kind}: repeated, it is done once`, async () => {
      const served = await servePayment();
      const attempt = await request(served);
      const died = dieAt(served, point);
      const lost = attempt().catch(() => {});
      await died;
      await expect(attempt()).rejects.toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
      served.clock.advance(LEASE_MS);
      expect((await attempt()).payment?.state).toBe(state);
      expect((await attempt()).payment?.state).toBe(state);
      expect(countOf(served, kind)).toBe(1);
      void lost;
    });

    test(`25: killed ${point} the processor did its part of ${kind}: the worker ends it, and the caller hears so`, async () => {
      const served = await servePayment();
      const attempt = await request(served);
      const died = dieAt(served, point);
      attempt().catch(() => {});
      await died;
      expect(await served.finishDueSteps()).toBe(0);
      served.clock.advance(LEASE_MS);
      expect(await served.finishDueSteps()).toBe(1);
      const asked = served.processor.requests;
      expect((await attempt()).payment?.state).toBe(state);
      expect(countOf(served, kind)).toBe(1);
      expect(served.processor.requests).toBe(asked);
    });
  }

  test(`26: the processor does ${kind} and does not answer: the caller may repeat at once`, async () => {
    const served = await servePayment();
    const attempt = await request(served);
    served.processor.faults = {
      after: async () => {
        served.processor.faults = {};
        throw new StatusError("UNAVAILABLE", "the processor did not answer");
      },
    };
    await expect(attempt()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect((await attempt()).payment?.state).toBe(state);
    expect(countOf(served, kind)).toBe(1);
  });
}

test("9: a caller whose call ends while the processor works gets the answer when he repeats", async () => {
  const served = await servePayment();
  const request = served.authorization();
  const caller = new AbortController();
  served.processor.faults = {
    after: async (_kind, signal) => {
      served.processor.faults = {};
      const ended = new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      caller.abort();
      await ended;
    },
  };
  const first = served.order.authorizePayment(request, { ...options, signal: caller.signal });
  await expect(first).rejects.toMatchObject({ code: "CANCELLED" });
  // At once, or as soon as the first attempt has let go.
  const attempt = () => served.order.authorizePayment(request, options);
  await expect
    .poll(() => attempt().then(({ payment }) => payment?.state), { timeout: 10_000 })
    .toBe(PaymentState.AUTHORIZED);
  expect(countOf(served, "AUTHORIZE")).toBe(1);
});

test("9: a caller whose deadline passes after the processor has committed gets the answer when he repeats", async () => {
  const served = await servePayment();
  const request = served.authorization();
  served.processor.faults = {
    after: async (_kind, signal) => {
      served.processor.faults = {};
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const first = served.order.authorizePayment(request, { timeoutMs: 1000 });
  await expect(first).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const attempt = () => served.order.authorizePayment(request, options);
  await expect
    .poll(() => attempt().then(({ payment }) => payment?.state), { timeout: 10_000 })
    .toBe(PaymentState.AUTHORIZED);
  expect(countOf(served, "AUTHORIZE")).toBe(1);
});

test("an attempt that was thought dead and comes back late changes nothing", async () => {
  const served = await servePayment();
  const request = served.authorization();
  const [late, comeBack] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  served.processor.faults = {
    after: async () => {
      served.processor.faults = {};
      comeBack.resolve();
      await late.promise;
    },
  };
  const first = served.order.authorizePayment(request, options);
  await comeBack.promise;
  served.clock.advance(LEASE_MS);
  const { payment } = await served.order.authorizePayment(request, options);
  late.resolve();
  await expect(first).rejects.toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
  const [found] = (await served.order.listPayments({ orderId: request.orderId }, options)).payments;
  expect(found).toEqual(payment);
});

for (const point of ["before", "after"] as const) {
  test(`27: a void while the reservation is open, lost ${point} it was made, leaves nothing reserved`, async () => {
    const served = await servePayment();
    const request = served.authorization();
    const died = dieAt(served, point);
    served.order.authorizePayment(request, options).catch(() => {});
    await died;
    const [open] = (await served.order.listPayments({ orderId: request.orderId }, options)).payments;
    expect(open?.state).toBe(PaymentState.AUTHORIZING);
    const { payment } = await served.order.voidPayment({ requestId: randomUUID(), paymentId: open?.id ?? "" }, options);
    expect(payment?.state).toBe(PaymentState.VOIDED);
    expect(countOf(served, "AUTHORIZE")).toBe(1);
    expect(countOf(served, "VOID")).toBe(1);
    served.clock.advance(LEASE_MS);
    await expect(served.order.authorizePayment(request, options)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "PAYMENT_STATE_CONFLICT",
    });
  });
}

test("a void of a reservation that the processor then declines releases nothing, and is a void all the same", async () => {
  const served = await servePayment();
  const request = served.authorization({ paymentMethod: "pm_declined" });
  const died = dieAt(served, "before");
  served.order.authorizePayment(request, options).catch(() => {});
  await died;
  const [open] = (await served.order.listPayments({ orderId: request.orderId }, options)).payments;
  const { payment } = await served.order.voidPayment({ requestId: randomUUID(), paymentId: open?.id ?? "" }, options);
  expect(payment?.state).toBe(PaymentState.VOIDED);
  expect(served.processor.approved).toEqual([]);
});

test("a step that keeps failing is tried again less and less often, and keeps no other from being finished", async () => {
  const served = await servePayment();
  const attempt = await STEPS.AUTHORIZE.request(served);
  served.processor.faults = {
    before: async () => {
      throw new StatusError("UNAVAILABLE", "the processor did not answer");
    },
  };
  await expect(attempt()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  for (const waitMs of [1, 2, 4, 8].map((factor) => factor * LEASE_MS)) {
    served.clock.advance(waitMs - 1);
    const asked = served.processor.requests;
    await served.finishDueSteps();
    expect(served.processor.requests).toBe(asked);
    served.clock.advance(1);
    await served.finishDueSteps();
    expect(served.processor.requests).toBe(asked + 1);
  }
  served.processor.faults = {};
  expect((await attempt()).payment?.state).toBe(PaymentState.AUTHORIZED);
});
