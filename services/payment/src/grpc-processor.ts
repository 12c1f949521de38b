import * as processorv1 from "@tenon/contracts/processor/v1";
import { type Code, StatusError } from "@tenon/errors";
import type { Client } from "@tenon/grpc";
import { fromMinor } from "@tenon/money";
import type { Processor, Verdict } from "./processor.ts";

export interface GrpcProcessorOptions {
  client: Pick<Client<typeof processorv1.ProcessorService>, "authorize" | "capture" | "void" | "refund">;
  /** For one request; by default 4 s. */
  timeoutMs?: number;
}

/** The processor by its gRPC service. Its statuses become verdicts or errors of ours: none of them is passed on. */
export function createGrpcProcessor({ client, timeoutMs = 4000 }: GrpcProcessorOptions): Processor {
  return {
    authorize: ({ amount, ...request }, { signal }) =>
      verdict(request, client.authorize({ ...request, amount: fromMinor(amount) }, { signal, timeoutMs })),
    capture: (request, { signal }) => verdict(request, client.capture(request, { signal, timeoutMs })),
    void: (request, { signal }) => verdict(request, client.void(request, { signal, timeoutMs })),
    refund: ({ amount, ...request }, { signal }) =>
      verdict(request, client.refund({ ...request, amount: fromMinor(amount) }, { signal, timeoutMs })),
  };
}

/** The outcome is open: the same reference brings it. */
const OPEN: ReadonlySet<Code> = new Set([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "ABORTED",
  "RESOURCE_EXHAUSTED",
]);

/** The processor looked at what it holds under this authorization and said no. */
const REFUSALS: ReadonlySet<Code> = new Set(["FAILED_PRECONDITION", "NOT_FOUND"]);

async function verdict(
  { reference }: { reference: string },
  answer: Promise<{ transaction?: processorv1.Transaction | undefined }>,
): Promise<Verdict> {
  try {
    return toVerdict(reference, (await answer).transaction);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (REFUSALS.has(error.code)) return { approved: false, reason: error.reason ?? error.code };
    if (!OPEN.has(error.code)) throw error;
    throw new StatusError("UNAVAILABLE", "the processor did not answer: repeat with the same request_id", {
      cause: error,
    });
  }
}

function toVerdict(reference: string, transaction: processorv1.Transaction | undefined): Verdict {
  if (transaction?.reference !== reference) throw new Error("the processor answered about another transaction");
  const { state, id, declineReason } = transaction;
  if (state === processorv1.TransactionState.APPROVED) return { approved: true, transactionId: id };
  // Nothing is reserved. A reason is what callers are told, so there is one.
  if (state === processorv1.TransactionState.DECLINED) return { approved: false, reason: declineReason || "declined" };
  throw new Error("the processor answered neither yes nor no");
}
