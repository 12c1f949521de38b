import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { Paging } from "@tenon/database";
import { type Implementation, implement } from "@tenon/grpc";
import { fromMinor } from "@tenon/money";
import type { AccountBalance, Entry } from "./ledger.ts";
import type { LedgerService } from "./ledger-service.ts";
import type { VerifiedCurrency } from "./verify-ledger.ts";

export interface LedgerHandlerOptions {
  ledger: LedgerService;
  /** Reads all of it and throws where it does not hold. */
  verify: () => AsyncIterable<VerifiedCurrency>;
  paging: Paging;
}

export function createLedgerHandler({ ledger, verify, paging }: LedgerHandlerOptions): Implementation {
  return implement(paymentv1.LedgerService, {
    async listEntries(request, call) {
      const filter = { paymentId: request.paymentId.toLowerCase() || undefined };
      const list = { method: call.method.path, ...filter };
      const paged = await ledger.list(paging.toPage(request, list), filter);
      return { entries: paged.items.map(toWire), nextPageToken: paging.toToken(paged, list) };
    },

    async getTrialBalance() {
      const { accounts, totals } = await ledger.trialBalance();
      return {
        balances: accounts.map((each) => ({ account: paymentv1.LedgerAccount[each.account], ...toWireSums(each) })),
        totals: totals.map(toWireSums),
      };
    },

    verifyLedger: verify,
  });
}

const toWire = (entry: Entry): MessageInitShape<typeof paymentv1.LedgerEntrySchema> => ({
  id: entry.id,
  paymentId: entry.paymentId,
  reference: entry.stepId,
  movement: paymentv1.LedgerMovement[entry.movement],
  postings: entry.postings.map(({ account, amountMinor }) => ({
    account: paymentv1.LedgerAccount[account],
    amount: fromMinor({ currency: entry.currency, minor: amountMinor }),
  })),
  createTime: timestampFromDate(entry.createdAt),
  position: entry.position,
  hash: entry.hash,
});

const toWireSums = ({ currency, debitMinor, creditMinor }: Omit<AccountBalance, "account">) => ({
  currency,
  ...toWireSum("debit", currency, debitMinor),
  ...toWireSum("credit", currency, creditMinor),
  ...toWireSum("balance", currency, debitMinor - creditMinor),
});

/** Nothing where Money cannot hold it: each amount does fit, and the books go on past it. */
function toWireSum(name: "debit" | "credit" | "balance", currency: string, minor: bigint) {
  const money = fromMinor({ currency, minor });
  return BigInt.asIntN(64, money.units) === money.units ? { [name]: money } : {};
}
