import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { Command } from "./command.ts";

export const verifyLedgerCommand: Command = {
  name: "verify-ledger",
  summary: "read all the books and prove that they balance and were never changed",

  async run(operator) {
    const ledger = operator.connect("payment", paymentv1.LedgerService);
    let currencies = 0;
    for await (const { currency, entries, hash, complete } of ledger.verifyLedger({})) {
      if (complete) currencies += 1;
      const newest = complete ? `hold; the newest is ${Buffer.from(hash).toString("hex")}` : "hold so far";
      operator.print(`${currency}: ${entries} entries ${newest}`);
    }
    operator.print(`The books hold: ${currencies} ${currencies === 1 ? "currency" : "currencies"}.`);
    return true;
  },
};
