import { Counter, Gauge, type Registry } from "prom-client";
import { FINDING_KINDS, type FindingAction, type FindingKind } from "./finding.ts";

/** What docs/runbook.md tells operators to watch; a registry has room for one. */
export function reconciliationMetrics(registry: Registry) {
  const registers = [registry];
  const open = new Gauge({
    name: "payment_findings_open",
    help: "Findings of the reconciliation that still hold, by their kind.",
    labelNames: ["kind"],
    registers,
  });
  const repairs = new Counter({
    name: "payment_repairs_total",
    help: "Payments that were brought to what the processor says, callbacks included.",
    labelNames: ["action"],
    registers,
  });
  const completed = new Gauge({
    name: "payment_reconciled_timestamp_seconds",
    help: "When this replica last read the processor's statement to its end; 0: never.",
    registers,
  });
  const unanswered = new Gauge({
    name: "payment_oldest_unanswered_seconds",
    help: "Age of the oldest request to the processor that has no answer; 0: there is none.",
    registers,
  });
  for (const kind of FINDING_KINDS) open.set({ kind }, 0);
  for (const action of ["SETTLED", "ADOPTED"] satisfies FindingAction[]) repairs.inc({ action }, 0);

  return {
    repaired: (action: FindingAction) => repairs.inc({ action }),
    completedAt: (at: Date) => completed.set(at.getTime() / 1000),
    unansweredFor: (ageMs: number) => unanswered.set(ageMs / 1000),
    open(counts: ReadonlyMap<FindingKind, number>) {
      for (const kind of FINDING_KINDS) open.set({ kind }, counts.get(kind) ?? 0);
    },
  };
}
