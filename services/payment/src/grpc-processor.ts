import { isDeepStrictEqual } from "node:util";
import type * as processorv1 from "@tenon/contracts/processor/v1";
import { type Code, StatusError } from "@tenon/errors";
import type { Client } from "@tenon/grpc";
import { fromMinor, type Money } from "@tenon/money";
import type { StepKind } from "./payment.ts";
import type { Processor, Verdict } from "./processor.ts";
import { toLine } from "./reconciliation/grpc-statement.ts";
import type { StatementLine } from "./reconciliation/statement.ts";

export interface GrpcProcessorOptions {
  client: Pick<Client<typeof processorv1.ProcessorService>, "authorize" | "capture" | "void" | "refund">;
  /** For one request; by default 4 s. */
  timeoutMs?: number;
}

/** The processor by its gRPC service. Its statuses become verdicts or errors of ours: none of them is passed on. */
export function createGrpcProcessor({ client, timeoutMs = 4000 }: GrpcProcessorOptions): Processor {
  return {
    authorize: (request, { signal }) =>
      verdict({ ...request, kind: "AUTHORIZE" }, client.authorize(toWire(request), { signal, timeoutMs })),
    capture: (request, { signal }) =>
      verdict({ ...request, kind: "CAPTURE" }, client.capture(request, { signal, timeoutMs })),
    void: (request, { signal }) => verdict({ ...request, kind: "VOID" }, client.void(request, { signal, timeoutMs })),
    refund: (request, { signal }) =>
      verdict({ ...request, kind: "REFUND" }, client.refund(toWire(request), { signal, timeoutMs })),
  };
}

const toWire = <Request extends { amount: Money }>(request: Request) => ({
  ...request,
  amount: fromMinor(request.amount),
});

/** What the answer has to be about. */
interface Asked {
  readonly kind: StepKind;
  readonly reference: string;
  readonly authorizationId?: string;
  readonly amount?: Money;
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
  asked: Asked,
  answer: Promise<{ transaction?: processorv1.Transaction | undefined }>,
): Promise<Verdict> {
  try {
    return toVerdict(asked, (await answer).transaction);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (REFUSALS.has(error.code)) return { approved: false, reason: error.reason ?? error.code };
    if (!OPEN.has(error.code)) throw error;
    throw new StatusError("UNAVAILABLE", "the processor did not answer: repeat with the same request_id", {
      cause: error,
    });
  }
}

function toVerdict(asked: Asked, transaction: processorv1.Transaction | undefined): Verdict {
  const line = understood(transaction);
  const { kind, reference, authorizationId = null, amount = line.amount } = asked;
  const told = {
    kind: line.kind,
    reference: line.reference,
    authorizationId: line.authorizationId,
    amount: line.amount,
  };
  if (!isDeepStrictEqual({ kind, reference, authorizationId, amount }, told)) {
    throw new Error("the processor answered about another transaction");
  }
  if (line.state === "APPROVED") return { approved: true, transactionId: line.transactionId };
  // Nothing is reserved. A reason is what callers are told, so there is one.
  return { approved: false, reason: line.declineReason || "declined" };
}

function understood(transaction: processorv1.Transaction | undefined): StatementLine {
  try {
    if (transaction !== undefined) return toLine(transaction);
  } catch (cause) {
    // Not the caller's mistake, whatever it is.
    throw new Error("the processor's answer makes no sense", { cause });
  }
  throw new Error("the processor answered without a transaction");
}
