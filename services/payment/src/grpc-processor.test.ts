import { randomUUID } from "node:crypto";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { type Code, StatusError } from "@tenon/errors";
import { createClient, createServer, implement } from "@tenon/grpc";
import { expect, onTestFinished, test } from "vitest";
import { createGrpcProcessor } from "./grpc-processor.ts";

const { TransactionKind, TransactionState } = processorv1;
const request = { reference: randomUUID(), authorizationId: randomUUID() };
const { signal } = new AbortController();

/** A sound answer to a capture, but for what the test changes. */
const captured = (reference: string, change: object = {}) => ({
  id: request.reference,
  reference,
  kind: TransactionKind.CAPTURE,
  state: TransactionState.APPROVED,
  authorizationId: request.authorizationId,
  amount: { currencyCode: "USD", units: 10n, nanos: 0 },
  ...change,
});

type Answer = (reference: string, signal: AbortSignal) => unknown;

/** The adapter on a processor that answers every capture so. */
function connect(answer: Answer, timeoutMs = 10_000) {
  const unexpected = () => {
    throw new Error("not asked for");
  };
  const service = implement(processorv1.ProcessorService, {
    authorize: unexpected,
    void: unexpected,
    refund: unexpected,
    getTransaction: unexpected,
    listTransactions: unexpected,
    capture: async ({ reference }, call) => (await answer(reference, call.signal)) as { transaction: object },
  });
  const server = createServer({ services: [service] });
  const client = createClient(processorv1.ProcessorService, { target: server });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return createGrpcProcessor({ client, timeoutMs });
}

const fail =
  (code: Code, reason = "THEIRS") =>
  () => {
    throw new StatusError(code, "their words", { reason });
  };

test("an approval is one, with the processor's id", async () => {
  const id = randomUUID();
  const processor = connect((reference) => ({ transaction: captured(reference, { id }) }));
  expect(await processor.capture(request, { signal })).toEqual({ approved: true, transactionId: id });
});

test("a decline is one, with its reason", async () => {
  const transaction = { state: TransactionState.DECLINED, declineReason: "card_declined" };
  const processor = connect((reference) => ({ transaction: captured(reference, transaction) }));
  expect(await processor.capture(request, { signal })).toEqual({ approved: false, reason: "card_declined" });
});

for (const code of ["FAILED_PRECONDITION", "NOT_FOUND"] as const) {
  test(`${code} is a refusal`, async () => {
    const verdict = await connect(fail(code)).capture(request, { signal });
    expect(verdict).toEqual({ approved: false, reason: "THEIRS" });
  });
}

for (const code of ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED"] as const) {
  test(`${code} leaves the outcome open, in words of ours`, async () => {
    const error = await connect(fail(code))
      .capture(request, { signal })
      .catch((error) => error);
    expect(error).toMatchObject({ code: "UNAVAILABLE", remote: false, reason: undefined });
    expect(error.message).not.toContain("their words");
  });
}

test("a processor that does not answer in time leaves the outcome open", async () => {
  const processor = connect(
    (_reference, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)),
    50,
  );
  await expect(processor.capture(request, { signal })).rejects.toMatchObject({ code: "UNAVAILABLE", remote: false });
});

for (const code of [
  "INVALID_ARGUMENT",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "ALREADY_EXISTS",
  "INTERNAL",
] as const) {
  test(`${code} is a defect of ours or theirs, and no answer to anybody`, async () => {
    await expect(connect(fail(code)).capture(request, { signal })).rejects.toMatchObject({ code, remote: true });
  });
}

for (const [what, answer] of [
  ["no transaction", () => ({})],
  ["another transaction", () => ({ transaction: captured(randomUUID()) })],
  ["another kind", (reference: string) => ({ transaction: captured(reference, { kind: TransactionKind.VOID }) })],
  ["another authorization", (reference: string) => ({ transaction: captured(reference, { authorizationId: "x" }) })],
  ["no state", (reference: string) => ({ transaction: captured(reference, { state: 0 }) })],
  ["a state of the future", (reference: string) => ({ transaction: captured(reference, { state: 99 }) })],
  ["a kind of the future", (reference: string) => ({ transaction: captured(reference, { kind: 99 }) })],
  ["no amount", (reference: string) => ({ transaction: captured(reference, { amount: undefined }) })],
  [
    "an amount past 2^63",
    (reference: string) => ({
      transaction: captured(reference, { amount: { currencyCode: "USD", units: 2n ** 63n - 1n, nanos: 0 } }),
    }),
  ],
] as const) {
  test(`an answer with ${what} is none`, async () => {
    const error = await connect(answer)
      .capture(request, { signal })
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(StatusError);
  });
}
