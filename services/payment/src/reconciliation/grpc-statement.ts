import * as processorv1 from "@tenon/contracts/processor/v1";
import { type Code, StatusError } from "@tenon/errors";
import type { Client } from "@tenon/grpc";
import { toMinor } from "@tenon/money";
import type { Statement, StatementLine } from "./statement.ts";

export interface GrpcStatementOptions {
  client: Pick<Client<typeof processorv1.ProcessorService>, "listTransactions" | "getTransaction">;
  /** For one request; by default 4 s. */
  timeoutMs?: number;
}

/** So many lines are held in memory at once. */
const PAGE_SIZE = 500;

/** The processor's statement by its gRPC service. */
export function createGrpcStatement({ client, timeoutMs = 4000 }: GrpcStatementOptions): Statement {
  return {
    read: named(async (pageToken, { signal }) => {
      const list = (from: string) =>
        client.listTransactions({ pageSize: PAGE_SIZE, pageToken: from }, { signal, timeoutMs });
      const page = await list(pageToken).catch((error: unknown) => {
        // Its secret has changed: what was compared before is passed over quickly.
        if (error instanceof StatusError && error.reason === "PAGE_TOKEN_INVALID" && pageToken !== "") return list("");
        throw error;
      });
      return { lines: page.transactions.map(toLine), nextPageToken: page.nextPageToken || undefined };
    }),

    find: named(async (reference, { signal }) => {
      try {
        const { transaction } = await client.getTransaction({ reference }, { signal, timeoutMs });
        if (transaction?.reference !== reference) throw new Error("the processor told of another transaction");
        return toLine(transaction);
      } catch (error) {
        if (error instanceof StatusError && error.code === "NOT_FOUND") return undefined;
        throw error;
      }
    }),
  };
}

/** Says who it is that does not answer: whoever compares depends on several. */
const named =
  <Args extends readonly unknown[], Answer>(ask: (...args: Args) => Promise<Answer>) =>
  (...args: Args): Promise<Answer> =>
    ask(...args).catch((cause: unknown) => {
      if (!(cause instanceof StatusError) || !SILENT.has(cause.code)) throw cause;
      throw new StatusError(cause.code, "the processor does not answer: /v1/findings has what waits for it", {
        reason: "PROCESSOR_UNAVAILABLE",
        cause,
      });
    });

const SILENT: ReadonlySet<Code> = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED"]);

/** Throws INVALID_ARGUMENT that names the field where the amount is none. */
export const toLine = (transaction: processorv1.Transaction): StatementLine => ({
  transactionId: transaction.id.toLowerCase(),
  reference: transaction.reference.toLowerCase(),
  kind: nameOf(processorv1.TransactionKind, transaction.kind),
  state: nameOf(processorv1.TransactionState, transaction.state),
  authorizationId: transaction.authorizationId.toLowerCase() || null,
  amount: toMinor(transaction.amount, { field: "transaction.amount" }),
  declineReason: transaction.declineReason,
});

/** The word of a value. Throws for one that says nothing, or that was not known when this was written. */
function nameOf<Words extends Record<string, number>>(words: Words, value: number) {
  const name = Object.keys(words).find((word) => words[word] === value);
  if (name === undefined || value === 0) throw new Error(`a transaction has a value that says nothing: ${value}`);
  return name as Exclude<keyof Words, "UNSPECIFIED">;
}
