import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { Paging } from "@tenon/database";
import { type Implementation, implement } from "@tenon/grpc";
import type { Finding, FindingStore } from "./finding.ts";
import type { Reconcile } from "./reconciler.ts";

export interface ReconciliationHandlerOptions {
  findings: FindingStore;
  reconcile: Reconcile;
  paging: Paging;
}

const { FindingState } = paymentv1;

export function createReconciliationHandler(options: ReconciliationHandlerOptions): Implementation {
  const { findings, reconcile, paging } = options;
  return implement(paymentv1.ReconciliationService, {
    async listFindings(request, call) {
      const { state } = request;
      const isOpen = state === FindingState.UNSPECIFIED ? undefined : state === FindingState.OPEN;
      const list = { method: call.method.path, state };
      const paged = await findings.list(paging.toPage(request, list), { isOpen });
      return { findings: paged.items.map(toWire), nextPageToken: paging.toToken(paged, list) };
    },

    async *reconcile(_, { signal }) {
      for await (const { transactions, repairs, openFindings, complete } of reconcile({ signal })) {
        yield {
          transactions: BigInt(transactions),
          repairs: BigInt(repairs),
          openFindings: BigInt(openFindings),
          complete,
        };
      }
    },
  });
}

const toWire = (finding: Finding): MessageInitShape<typeof paymentv1.FindingSchema> => ({
  id: finding.id,
  kind: paymentv1.FindingKind[finding.kind],
  reference: finding.reference,
  paymentId: finding.paymentId ?? "",
  description: finding.description,
  action: paymentv1.FindingAction[finding.action],
  createTime: timestampFromDate(finding.createdAt),
  ...(finding.resolvedAt && { resolveTime: timestampFromDate(finding.resolvedAt) }),
});
