import type { Page, Paged } from "@tenon/database";
import type { AccountBalance, Entry } from "./ledger.ts";

/** The ledger as it is read. */
export interface LedgerStore {
  /** The newest first. */
  list(page: Page, filter: LedgerFilter): Promise<Paged<Entry>>;
  /** Of every account in every currency that was ever posted to, by currency. */
  balances(): Promise<AccountBalance[]>;
}

export interface LedgerFilter {
  /** Unset: entries of every payment. */
  readonly paymentId?: string | undefined;
}

/** All accounts of a moment, and their sums. */
export interface TrialBalance {
  readonly accounts: readonly AccountBalance[];
  /** One for each currency: debits and credits are the same, or the books are wrong. */
  readonly totals: readonly Omit<AccountBalance, "account">[];
}

export type LedgerService = ReturnType<typeof createLedgerService>;

export function createLedgerService({ store }: { store: LedgerStore }) {
  return {
    list: (page: Page, filter: LedgerFilter): Promise<Paged<Entry>> => store.list(page, filter),

    async trialBalance(): Promise<TrialBalance> {
      const accounts = await store.balances();
      const totals = [...Map.groupBy(accounts, ({ currency }) => currency)].map(([currency, its]) => ({
        currency,
        debitMinor: its.reduce((sum, { debitMinor }) => sum + debitMinor, 0n),
        creditMinor: its.reduce((sum, { creditMinor }) => sum + creditMinor, 0n),
      }));
      return { accounts, totals };
    },
  };
}
