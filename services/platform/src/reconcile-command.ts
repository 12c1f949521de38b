import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { Command } from "./command.ts";

const { FindingKind, FindingState } = paymentv1;

/** So many open findings are printed; the rest is at /v1/findings. */
const PRINTED = 50;

export const reconcileCommand: Command = {
  name: "reconcile",
  summary: "compare payments, books and the processor's statement, repair, and print what is left",

  async run(operator) {
    const reconciliation = operator.connect("payment", paymentv1.ReconciliationService);
    let last: paymentv1.ReconcileResponse | undefined;
    for await (const progress of reconciliation.reconcile({})) {
      last = progress;
      const { transactions, repairs, openFindings } = progress;
      operator.print(`new transactions: ${transactions}, repairs: ${repairs}, open findings: ${openFindings}`);
    }
    if (last?.complete !== true) {
      operator.print("Another one is at work on the same statement: ask again for what it leaves.");
      return false;
    }
    if (last.openFindings === 0n) {
      operator.print("Payments, books and statement agree.");
      return true;
    }
    const { findings } = await reconciliation.listFindings({ state: FindingState.OPEN, pageSize: PRINTED });
    for (const { kind, reference, paymentId, description } of findings) {
      operator.print(
        `${kindOf(kind)}  ${paymentId ? `payment ${paymentId}` : `reference ${reference}`}: ${description}`,
      );
    }
    operator.print("docs/runbook.md says what each means, and what to do.");
    return false;
  },
};

const kindOf = (kind: number): string =>
  Object.entries(FindingKind).find(([, value]) => value === kind)?.[0] ?? `kind ${kind}`;
