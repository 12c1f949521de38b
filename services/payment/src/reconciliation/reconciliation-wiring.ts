import type { Paging } from "@tenon/database";
import type { Implementation } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, type Worker } from "@tenon/runtime";
import type { Kysely } from "kysely";
import type { Registry } from "prom-client";
import type { PaymentStore } from "../payment.ts";
import { createPaymentStore } from "../payment-repository.ts";
import type { PaymentService } from "../payment-service.ts";
import type { Tables } from "../payment-tables.ts";
import { createCallbackHandler } from "./callback-handler.ts";
import { createExaminer } from "./examiner.ts";
import { createFindingStore } from "./finding-repository.ts";
import { createOurSides } from "./our-side.ts";
import { createReconciler } from "./reconciler.ts";
import { createReconciliationHandler } from "./reconciliation-handler.ts";
import { reconciliationMetrics } from "./reconciliation-metrics.ts";
import type { Statement } from "./statement.ts";

export interface ReconciliationParts {
  db: Kysely<Tables>;
  statement: Statement;
  /** The rules on the store of a transaction. */
  payments: (store: PaymentStore) => PaymentService;
  paging: Paging;
  logger: Logger;
  registry: Registry;
  now: () => Date;
  newId: () => string;
  /** Time between two rounds of the worker. */
  intervalMs: number;
}

export interface WiredReconciliation {
  readonly services: readonly Implementation[];
  readonly worker: Worker;
  /** What the worker does in a round. */
  readonly reconcileSome: (stop: AbortSignal) => Promise<void>;
}

/** Answers take seconds at most; a worker that takes a step up again comes within these. */
const GRACE_MS = 60_000;
/** The contract says so of FINDING_KIND_UNANSWERED. */
const UNANSWERED_MS = 15 * 60_000;
/** 10,000 transactions: what is left comes in the next round. */
const PAGES_PER_ROUND = 20;

/** Callbacks, findings, and the worker that compares. */
export function wireReconciliation(parts: ReconciliationParts): WiredReconciliation {
  const { db, statement, payments, paging, logger, registry, now, newId, intervalMs } = parts;
  const metrics = reconciliationMetrics(registry);
  const ourSides = createOurSides(db);
  const findings = createFindingStore(db);
  const examiner = createExaminer({
    ourSides,
    findings,
    atomically: (work) =>
      db.transaction().execute((tx) => {
        const store = createPaymentStore(tx);
        const rules = payments(store);
        return work({
          payments: { settle: rules.settle, adoptRefund: rules.adoptRefund, lock: store.lock },
          ourSides: createOurSides(tx),
          findings: createFindingStore(tx),
        });
      }),
    logger,
    now,
    newId,
    graceMs: GRACE_MS,
    unansweredMs: UNANSWERED_MS,
    onRepair: metrics.repaired,
  });
  const reconcile = createReconciler({ statement, examiner, ourSides, findings, now, unansweredMs: UNANSWERED_MS });

  async function reconcileSome(stop: AbortSignal): Promise<void> {
    const oldest = await ourSides.oldestUnansweredAt();
    metrics.unansweredFor(oldest ? now().getTime() - oldest.getTime() : 0);
    try {
      for await (const { complete } of reconcile({ signal: stop, maxPages: PAGES_PER_ROUND })) {
        if (complete) metrics.completedAt(now());
      }
    } finally {
      metrics.open(await findings.countOpen());
    }
  }

  return {
    services: [createCallbackHandler(examiner), createReconciliationHandler({ findings, reconcile, paging })],
    worker: createPeriodicWorker({ name: "reconciliation", intervalMs, work: reconcileSome, logger }),
    reconcileSome,
  };
}
