import { create } from "@bufbuild/protobuf";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { StatusError } from "@tenon/errors";
import type { Client } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { toMinor } from "@tenon/money";
import { createMemoryDatabase, type Life, type Simulation } from "@tenon/testing";
import { createDueStepFinisher } from "./due-steps.ts";
import { createExpirer } from "./expiry.ts";
import { createGrpcProcessor, type GrpcProcessorOptions } from "./grpc-processor.ts";
import { createMemoryPaymentStore, type PaymentTables } from "./memory-payment-store.ts";
import type { Payment, Work } from "./payment.ts";
import { createPaymentDriver } from "./payment-driver.ts";
import { answerOf, createPaymentService, type PaymentService } from "./payment-service.ts";
import { toWire } from "./payment-wire.ts";

export interface SimulatedPaymentOptions {
  simulation: Simulation;
  /** The processor's client in a process of payment. */
  processorIn(life: Life): GrpcProcessorOptions["client"];
  /** How long a reservation that is not taken is kept; by default 60 s. */
  maxAgeMs?: number;
}

type PaymentClient = Client<typeof paymentv1.PaymentService>;

const LEASE_MS = 10_000;
const DUE_MS = 2000;
const EXPIRY_MS = 10_000;
const NEVER = new AbortController().signal;

/** Two replicas of payment in a simulation: rules, driver, workers and the processor's adapter, on a store in memory. */
export function simulatePayment({ simulation, processorIn, maxAgeMs = 60_000 }: SimulatedPaymentOptions) {
  const { newId } = simulation;
  const logger = createLogger({ name: "payment", level: "silent" });
  const tables: PaymentTables = { payments: new Map(), steps: new Map(), entries: new Map(), events: new Map() };
  const database = createMemoryDatabase(tables);

  function partsIn(life: Life) {
    const store = createMemoryPaymentStore(database, life);
    const { now } = life;
    const payments = (tx = store) => createPaymentService({ store: tx, now, newId, leaseMs: LEASE_MS });
    const driver = createPaymentDriver({
      store,
      payments,
      processor: createGrpcProcessor({ client: processorIn(life) }),
    });
    return { store, payments, driver };
  }

  const processes = ["payment-1", "payment-2"].map((name) =>
    simulation.start(name, (life) => {
      const { store, payments, driver } = partsIn(life);
      const { now } = life;
      const due = createDueStepFinisher({ store, driver, logger, now, leaseMs: LEASE_MS, intervalMs: DUE_MS });
      const expire = createExpirer({ store, payments, driver, logger, now, maxAgeMs });
      // Not waited for, as the worker does: what takes long holds nothing else.
      void every(life, DUE_MS, async () => void due.drain(NEVER));
      void every(life, EXPIRY_MS, () => expire(NEVER));
    }),
  );

  /** A request from its first transaction to its last, as the handler has it. */
  async function handle(life: Life, begin: (service: PaymentService) => Promise<Work>): Promise<Payment> {
    const { store, payments, driver } = partsIn(life);
    const work = await store.atomically((tx) => begin(payments(tx)));
    const answer = answerOf(work.step.state === "PENDING" ? await driver.finish(work, NEVER) : work);
    if (answer instanceof StatusError) throw answer;
    return answer;
  }

  /** A client of payment in another process. */
  function clientIn(from: Life): PaymentClient {
    const ask = async (what: string, options: { timeoutMs?: number } = {}, serve: (life: Life) => Promise<Payment>) => {
      const request = { what: `payment ${what}`, serve, timeoutMs: options.timeoutMs ?? 8000 };
      const payment = create(paymentv1.PaymentSchema, toWire(await simulation.call(from, processes, request)));
      return { payment, payments: [payment] };
    };
    const readOf = (life: Life) => partsIn(life).payments();
    const client = {
      authorizePayment: ({ amount, ...order }: paymentv1.AuthorizePaymentRequest, options) =>
        ask("authorize", options, (life) =>
          handle(life, (rules) => rules.authorize({ ...order, amount: toMinor(amount) })),
        ),
      capturePayment: (request, options) =>
        ask("capture", options, (life) => handle(life, (rules) => rules.capture(request))),
      voidPayment: (request, options) => ask("void", options, (life) => handle(life, (rules) => rules.void(request))),
      refundPayment: ({ amount, ...request }: paymentv1.RefundPaymentRequest, options) =>
        ask("refund", options, (life) =>
          handle(life, (rules) => rules.refund({ ...request, amount: toMinor(amount) })),
        ),
      getPayment: ({ paymentId }, options) => ask("read", options, (life) => readOf(life).get(paymentId, {})),
      listPayments: ({ orderId }, options) =>
        ask("list", options, async (life) => {
          const { items } = await readOf(life).list({ size: 1 }, { orderId });
          if (items[0] === undefined) throw new StatusError("NOT_FOUND", "the order has no payment");
          return items[0];
        }),
    } as Record<string, (request: never, options?: { timeoutMs?: number }) => unknown>;
    return client as unknown as PaymentClient;
  }

  return { clientIn, tables: () => database.committed };
}

/** What a worker does: again and again, whatever becomes of it. */
async function every(life: Life, ms: number, work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    await life.sleep(ms);
    await work().catch(() => {});
  }
}
export type SimulatedPayment = ReturnType<typeof simulatePayment>;
