import { StatusError } from "@tenon/errors";
import type { Money } from "@tenon/money";
import type { Background } from "./background.ts";
import { type CallFaults, NO_FAULTS } from "./faults.ts";
import { type PaymentMethod, paymentMethodOf } from "./payment-methods.ts";
import type { Authorization, Transaction, TransactionLog } from "./transaction.ts";

export interface ProcessorServiceOptions {
  log: TransactionLog;
  now: () => Date;
  newId: () => string;
  /** Resolves after `ms`; rejects as soon as the signal aborts. */
  wait: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** What goes wrong with the next call; by default nothing. */
  faults?: () => CallFaults;
  /** Begins what outlives its call; false where it cannot be had, and then nothing is late. */
  begin?: Background["begin"];
}

export type ProcessorService = ReturnType<typeof createProcessorService>;

/** What a transaction does, besides being written. */
type Effect = (log: TransactionLog) => Promise<void>;

interface AboutAuthorization {
  reference: string;
  authorizationId: string;
}

/** Longest silence of a call that is not answered, should its caller have no deadline. */
const SILENCE_MS = 60_000;

/** The rules of the processor. A repetition of a request, known by its reference, returns the first transaction. */
export function createProcessorService(options: ProcessorServiceOptions) {
  const { log, now, newId, wait, faults = () => NO_FAULTS, begin = () => false } = options;
  return {
    async authorize(
      request: { reference: string; amount: Money; paymentMethod: string },
      signal: AbortSignal,
    ): Promise<Transaction> {
      const { reference, amount, paymentMethod } = request;
      if (amount.minor <= 0n) throw notPositive();
      const method = paymentMethodOf(paymentMethod);
      const { declineReason = "" } = method;
      const state = declineReason === "" ? "APPROVED" : "DECLINED";
      const facts = { reference, state, authorizationId: null, paymentMethod, amount, declineReason } as const;
      const wanted = entry({ kind: "AUTHORIZE", ...facts });
      const reserve = async (log: TransactionLog) => {
        if (state === "APPROVED") await log.reserve(wanted.id, amount);
      };
      return perform(wanted, reserve, signal, method);
    },

    async capture({ reference, authorizationId }: AboutAuthorization, signal: AbortSignal): Promise<Transaction> {
      const { amount } = await authorizationOf(authorizationId);
      const wanted = entry({ reference, kind: "CAPTURE", authorizationId, amount });
      const capture = async (log: TransactionLog) => {
        if (!(await log.capture(authorizationId))) throw stateConflict("only a reserved amount can be captured");
      };
      return perform(wanted, capture, signal);
    },

    async void({ reference, authorizationId }: AboutAuthorization, signal: AbortSignal): Promise<Transaction> {
      const { amount } = await authorizationOf(authorizationId);
      const wanted = entry({ reference, kind: "VOID", authorizationId, amount });
      const release = async (log: TransactionLog) => {
        if (!(await log.release(authorizationId))) throw stateConflict("only a reserved amount can be voided");
      };
      return perform(wanted, release, signal);
    },

    async refund(
      { reference, authorizationId, amount }: AboutAuthorization & { amount: Money },
      signal: AbortSignal,
    ): Promise<Transaction> {
      if (amount.minor <= 0n) throw notPositive();
      const authorization = await authorizationOf(authorizationId);
      if (amount.currency !== authorization.amount.currency) throw currencyMismatch(authorization.amount.currency);
      const wanted = entry({ reference, kind: "REFUND", authorizationId, amount });
      const giveBack = async (log: TransactionLog) => {
        if (await log.refund(authorizationId, amount.minor)) return;
        const { state } = (await log.findAuthorization(authorizationId)) ?? authorization;
        throw state === "CAPTURED" ? exceedsCaptured() : stateConflict("only a captured amount can be refunded");
      };
      return perform(wanted, giveBack, signal);
    },

    async getTransaction(reference: string): Promise<Transaction> {
      const transaction = await log.findByReference(reference);
      if (transaction === undefined) throw notFound("no transaction has this reference");
      return transaction;
    },

    listTransactions: (page: { after: bigint; limit: number }) => log.list(page),
  };

  async function authorizationOf(id: string): Promise<Authorization> {
    const authorization = await log.findAuthorization(id);
    if (authorization === undefined) throw notFound("nothing was approved under this authorization_id");
    return authorization;
  }

  function entry(facts: Partial<Transaction> & Pick<Transaction, "reference" | "kind" | "authorizationId" | "amount">) {
    return {
      id: newId(),
      state: "APPROVED",
      paymentMethod: null,
      declineReason: "",
      createdAt: now(),
      ...facts,
    } as const;
  }

  /** Does what is asked, as well or as badly as the payment method and the faults of the moment will have it. */
  async function perform(wanted: Transaction, effect: Effect, signal: AbortSignal, method: PaymentMethod = {}) {
    const { delayMs, fails, isSilent, lateByMs, callbacks } = faults();
    if (delayMs > 0) await wait(delayMs, signal);
    if (fails) throw new StatusError("UNAVAILABLE", "the processor has a fault of its own");
    const takesTime = method.delayMs !== undefined || lateByMs !== undefined;
    if (takesTime && (await log.findByReference(wanted.reference)) === undefined) {
      const late = async (stop: AbortSignal) => {
        await wait(lateByMs ?? 0, stop);
        await commit({ ...wanted, createdAt: now() }, effect, 1);
      };
      if (lateByMs !== undefined && begin(late)) return silence(signal);
      if (method.delayMs !== undefined) await wait(method.delayMs, signal);
    }
    const told = Math.max(callbacks, method.callbacks ?? 0);
    const { transaction, isFirst } = await commit(wanted, effect, told);
    return isFirst && (isSilent || method.silent) ? silence(signal) : transaction;
  }

  async function silence(signal: AbortSignal): Promise<never> {
    await wait(SILENCE_MS, signal);
    throw new StatusError("DEADLINE_EXCEEDED", "no answer in time");
  }

  /** Writes the transaction, its effect and the callbacks about it, all or nothing, or finds that an earlier attempt did. */
  function commit(wanted: Transaction, effect: Effect, callbacks: number) {
    return log.atomically(async (log) => {
      if (await log.append(wanted)) {
        await effect(log);
        const dueAt = now();
        for (let n = 0; n < callbacks; n++) await log.callBack(newId(), wanted.id, dueAt);
        return { transaction: wanted, isFirst: true };
      }
      const first = await log.findByReference(wanted.reference);
      if (first === undefined || !isSameRequest(first, wanted)) throw reused();
      return { transaction: first, isFirst: false };
    });
  }
}

const isSameRequest = (a: Transaction, b: Transaction): boolean =>
  a.kind === b.kind &&
  a.authorizationId === b.authorizationId &&
  a.paymentMethod === b.paymentMethod &&
  a.amount.currency === b.amount.currency &&
  a.amount.minor === b.amount.minor;

const reused = () =>
  new StatusError("ALREADY_EXISTS", "the reference belongs to another request", { reason: "REQUEST_ID_REUSED" });

const notFound = (message: string) => new StatusError("NOT_FOUND", message, { reason: "TRANSACTION_NOT_FOUND" });

const stateConflict = (message: string) =>
  new StatusError("FAILED_PRECONDITION", message, { reason: "TRANSACTION_STATE_CONFLICT" });

const exceedsCaptured = () =>
  new StatusError("FAILED_PRECONDITION", "less than this amount is left to refund", {
    reason: "AMOUNT_EXCEEDS_CAPTURED",
  });

const notPositive = () =>
  new StatusError("INVALID_ARGUMENT", "amount must be above zero", {
    reason: "VALIDATION_FAILED",
    violations: [{ field: "amount", description: "must be above zero" }],
  });

const currencyMismatch = (currency: string) =>
  new StatusError("INVALID_ARGUMENT", `amount must be in ${currency}`, {
    reason: "CURRENCY_MISMATCH",
    violations: [{ field: "amount.currency_code", description: `must be ${currency}` }],
  });
