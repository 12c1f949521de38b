import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { createPageTokens } from "@tenon/database";
import { type Implementation, implement } from "@tenon/grpc";
import { fromMinor, toMinor } from "@tenon/money";
import type { ProcessorService } from "./processor-service.ts";
import type { Transaction } from "./transaction.ts";

export interface ProcessorHandlerOptions {
  service: ProcessorService;
  /** For page tokens. */
  secret: Uint8Array;
}

const DEFAULT_SIZE = 50;
const MAX_SIZE = 500;

export function createProcessorHandler({ service, secret }: ProcessorHandlerOptions): Implementation {
  const tokens = createPageTokens(secret);
  return implement(processorv1.ProcessorService, {
    async authorize({ reference, amount, paymentMethod }, { signal }) {
      const request = { reference: reference.toLowerCase(), amount: toMinor(amount), paymentMethod };
      return { transaction: toWire(await service.authorize(request, signal)) };
    },

    capture: async (request, { signal }) => ({ transaction: toWire(await service.capture(lowerIds(request), signal)) }),

    void: async (request, { signal }) => ({ transaction: toWire(await service.void(lowerIds(request), signal)) }),

    async refund(request, { signal }) {
      const amount = toMinor(request.amount);
      return { transaction: toWire(await service.refund({ ...lowerIds(request), amount }, signal)) };
    },

    getTransaction: async ({ reference }) => ({ transaction: toWire(await service.getTransaction(reference)) }),

    async listTransactions({ pageSize, pageToken }, { method }) {
      const after = pageToken === "" ? 0n : BigInt(tokens.decode(pageToken, method.path));
      const limit = Math.min(pageSize || DEFAULT_SIZE, MAX_SIZE);
      const entries = await service.listTransactions({ after, limit: limit + 1 });
      const page = entries.slice(0, limit);
      const last = entries.length > limit ? page.at(-1) : undefined;
      return {
        transactions: page.map(({ transaction }) => toWire(transaction)),
        nextPageToken: last ? tokens.encode(String(last.position), method.path) : "",
      };
    },
  });
}

const lowerIds = ({ reference, authorizationId }: { reference: string; authorizationId: string }) => ({
  reference: reference.toLowerCase(),
  authorizationId: authorizationId.toLowerCase(),
});

/** A transaction as others see it. */
export const toWire = (transaction: Transaction): MessageInitShape<typeof processorv1.TransactionSchema> => ({
  id: transaction.id,
  reference: transaction.reference,
  kind: processorv1.TransactionKind[transaction.kind],
  state: processorv1.TransactionState[transaction.state],
  authorizationId: transaction.authorizationId ?? "",
  amount: fromMinor(transaction.amount),
  declineReason: transaction.declineReason,
  createTime: timestampFromDate(transaction.createdAt),
});
