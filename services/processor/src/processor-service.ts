import { StatusError } from "@tenon/errors";
import type { Money } from "@tenon/money";
import { paymentMethodOf } from "./payment-methods.ts";
import type { Authorization, Transaction, TransactionLog } from "./transaction.ts";

export interface ProcessorServiceOptions {
  log: TransactionLog;
  now: () => Date;
  newId: () => string;
  /** Resolves after `ms`; rejects as soon as the signal aborts. */
  wait: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export type ProcessorService = ReturnType<typeof createProcessorService>;

interface AboutAuthorization {
  reference: string;
  authorizationId: string;
}

/** Longest silence of `pm_timeout_then_ok`, should a caller have no deadline. */
const SILENCE_MS = 60_000;

/** The rules of the processor. A repetition of a request, known by its reference, returns the first transaction. */
export function createProcessorService({ log, now, newId, wait }: ProcessorServiceOptions) {
  return {
    async authorize(
      request: { reference: string; amount: Money; paymentMethod: string },
      signal: AbortSignal,
    ): Promise<Transaction> {
      const { reference, amount, paymentMethod } = request;
      if (amount.minor <= 0n) throw notPositive();
      const method = paymentMethodOf(paymentMethod);
      if (method.delayMs !== undefined && (await log.findByReference(reference)) === undefined) {
        await wait(method.delayMs, signal);
      }
      const { declineReason = "" } = method;
      const state = declineReason === "" ? "APPROVED" : "DECLINED";
      const wanted = entry({
        reference,
        kind: "AUTHORIZE",
        state,
        authorizationId: null,
        paymentMethod,
        amount,
        declineReason,
      });
      const { transaction, isFirst } = await commit(wanted, async (log) => {
        if (state === "APPROVED") await log.reserve(wanted.id, amount);
      });
      if (isFirst && method.silent) {
        await wait(SILENCE_MS, signal);
        throw new StatusError("DEADLINE_EXCEEDED", "no answer in time");
      }
      return transaction;
    },

    async capture({ reference, authorizationId }: AboutAuthorization): Promise<Transaction> {
      const { amount } = await authorizationOf(authorizationId);
      const wanted = entry({ reference, kind: "CAPTURE", authorizationId, amount });
      const { transaction } = await commit(wanted, async (log) => {
        if (!(await log.capture(authorizationId))) throw stateConflict("only a reserved amount can be captured");
      });
      return transaction;
    },

    async void({ reference, authorizationId }: AboutAuthorization): Promise<Transaction> {
      const { amount } = await authorizationOf(authorizationId);
      const wanted = entry({ reference, kind: "VOID", authorizationId, amount });
      const { transaction } = await commit(wanted, async (log) => {
        if (!(await log.release(authorizationId))) throw stateConflict("only a reserved amount can be voided");
      });
      return transaction;
    },

    async refund({ reference, authorizationId, amount }: AboutAuthorization & { amount: Money }): Promise<Transaction> {
      if (amount.minor <= 0n) throw notPositive();
      const authorization = await authorizationOf(authorizationId);
      if (amount.currency !== authorization.amount.currency) throw currencyMismatch(authorization.amount.currency);
      const wanted = entry({ reference, kind: "REFUND", authorizationId, amount });
      const { transaction } = await commit(wanted, async (log) => {
        if (await log.refund(authorizationId, amount.minor)) return;
        const { state } = (await log.findAuthorization(authorizationId)) ?? authorization;
        throw state === "CAPTURED" ? exceedsCaptured() : stateConflict("only a captured amount can be refunded");
      });
      return transaction;
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

  /** Writes the transaction and its effect, both or neither, or finds that an earlier attempt did. */
  function commit(wanted: Transaction, effect: (log: TransactionLog) => Promise<void>) {
    return log.atomically(async (log) => {
      if (await log.append(wanted)) {
        await effect(log);
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
