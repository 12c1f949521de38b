import type { Life, MemoryDatabase } from "@tenon/testing";
import type { Account, NewEntry } from "./ledger/ledger.ts";
import type { Payment, PaymentStore, Step } from "./payment.ts";
import { isAllowed } from "./payment-states.ts";

interface StoredStep extends Step {
  readonly leaseExpiresAt: Date;
}

export interface PaymentTables extends Record<string, Map<string, unknown>> {
  payments: Map<string, Payment>;
  steps: Map<string, StoredStep>;
  entries: Map<string, NewEntry>;
  /** Every version of every payment, by both; as the outbox has them. */
  events: Map<string, Payment>;
}

/** Payments in the memory of a simulation. */
export function createMemoryPaymentStore(database: MemoryDatabase<PaymentTables>, life: Life): PaymentStore {
  const atomically: PaymentStore["atomically"] = (work) =>
    database.atomically(life, async (tables) => {
      const result = await work({ ...storeOn(() => tables), atomically: (inner) => inner(storeIn(tables)) });
      assertBooks(tables);
      return result;
    });
  return {
    ...storeOn(() => database.committed),
    atomically,
    leaseDueStep: (now, leaseUntil) => atomically((store) => store.leaseDueStep(now, leaseUntil)),
  };
}

const storeIn = (tables: PaymentTables): PaymentStore => ({
  ...storeOn(() => tables),
  atomically: (work) => work(storeIn(tables)),
});

function storeOn(tables: () => PaymentTables): Omit<PaymentStore, "atomically"> {
  const all = () => [...tables().payments.values()];
  const workOf = (step: StoredStep | undefined) => {
    const payment = step && tables().payments.get(step.paymentId);
    return step && payment && { step, payment };
  };
  const stepWhere = (matches: (step: StoredStep) => boolean) => workOf([...tables().steps.values()].find(matches));
  const write = (payment: Payment): Payment => {
    if (tables().payments.get(payment.id)?.version !== undefined)
      assertNewer(tables().payments.get(payment.id), payment);
    tables().payments.set(payment.id, payment);
    return payment;
  };
  const tell = (payment: Payment): Payment => {
    tables().events.set(`${payment.id}/${payment.version}`, payment);
    return payment;
  };

  return {
    async insert(payment) {
      if (all().some(({ orderId, state }) => orderId === payment.orderId && state !== "DECLINED")) return false;
      write(tell(payment));
      return true;
    },
    lock: async (id) => tables().payments.get(id),
    async transit(payment, state, facts, at) {
      if (!isAllowed(payment.state, state)) throw new Error(`a payment did not go from ${payment.state} to ${state}`);
      const updatedAt = new Date(Math.max(at.getTime(), payment.updatedAt.getTime()));
      return write(tell({ ...payment, ...facts, state, version: payment.version + 1n, updatedAt }));
    },
    note: async (payment, facts) => write({ ...payment, ...facts }),
    async post(entry) {
      const twice = [...tables().entries.values()].some(
        ({ stepId, movement }) => stepId === entry.stepId && movement === entry.movement,
      );
      if (twice) throw new Error(`step ${entry.stepId} has a ${entry.movement} already`);
      tables().entries.set(entry.id, entry);
    },
    listStale: async (authorizedBefore, limit) =>
      all()
        .filter(({ state, updatedAt }) => state === "AUTHORIZED" && updatedAt <= authorizedBefore)
        .sort((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime())
        .slice(0, limit)
        .map(({ id }) => id),
    async find(id, { userId, orderId } = {}) {
      const found = tables().payments.get(id);
      const matches =
        found && (userId ?? found.userId) === found.userId && (orderId ?? found.orderId) === found.orderId;
      return matches ? found : undefined;
    },
    findByAuthorization: async (authorizationId) =>
      all().find((payment) => payment.authorizationId === authorizationId),
    list: async ({ size }, { userId, orderId }) => ({
      items: all()
        .filter(
          (payment) =>
            (userId ?? payment.userId) === payment.userId && (orderId ?? payment.orderId) === payment.orderId,
        )
        .reverse()
        .slice(0, size),
      lastId: undefined,
    }),

    async insertStep(step, { leaseExpiresAt }) {
      if (stepWhere(({ kind, requestId }) => kind === step.kind && requestId === step.requestId)) {
        throw new Error(`there is a step ${step.kind} of request ${step.requestId}`);
      }
      tables().steps.set(step.id, { ...step, leaseExpiresAt });
    },
    findStep: async (kind, requestId) => stepWhere((step) => step.kind === kind && step.requestId === requestId),
    findAuthorizeStep: async (paymentId) =>
      stepWhere((step) => step.kind === "AUTHORIZE" && step.paymentId === paymentId),
    async settleStep(id, state) {
      const step = tables().steps.get(id);
      if (step?.state !== "PENDING") return false;
      tables().steps.set(id, { ...step, state });
      return true;
    },
    async leaseDueStep(now, leaseUntil) {
      const [due] = [...tables().steps.values()]
        .filter(({ state }) => state === "PENDING")
        .filter(({ leaseExpiresAt: at }) => at <= now || at > leaseUntil(Number.POSITIVE_INFINITY))
        .sort((a, b) => a.leaseExpiresAt.getTime() - b.leaseExpiresAt.getTime());
      if (due === undefined) return undefined;
      const attempts = due.attempts + 1;
      const leased = { ...due, attempts, leaseExpiresAt: leaseUntil(attempts) };
      tables().steps.set(due.id, leased);
      return workOf(leased);
    },
  };
}

/** As the update by version does in SQL. A note leaves the version. */
function assertNewer(before: Payment | undefined, after: Payment): void {
  const lead = before ? after.version - before.version : 0n;
  if (lead !== 0n && lead !== 1n) throw new Error(`payment ${after.id} changed while it was locked`);
}

const heldMinor = ({ state, amount, authorizationId }: Payment): bigint => {
  const isHeld = state === "AUTHORIZED" || state === "CAPTURING" || (state === "VOIDING" && authorizationId !== null);
  return isHeld ? amount.minor : 0n;
};

/** As the database's triggers do at the end of a transaction: each entry sums to zero, and the books tell what the payments tell. */
function assertBooks({ payments, entries }: PaymentTables): void {
  const balances = new Map<string, bigint>();
  for (const { paymentId, postings } of entries.values()) {
    if (postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0n) !== 0n)
      throw new Error("an entry is no zero sum");
    for (const { account, amountMinor } of postings) {
      const key = `${paymentId}/${account}`;
      balances.set(key, (balances.get(key) ?? 0n) + amountMinor);
    }
  }
  for (const payment of payments.values()) {
    const { id, capturedMinor, refundedMinor, refundingMinor } = payment;
    const of = (account: Account) => balances.get(`${id}/${account}`) ?? 0n;
    const isTold =
      of("CUSTOMER_HOLDS") === heldMinor(payment) &&
      of("REFUNDS") === refundingMinor &&
      of("MERCHANT_RECEIVABLE") === capturedMinor - refundedMinor - refundingMinor;
    if (!isTold) throw new Error(`the books of payment ${id} do not tell where its money is`);
  }
}
