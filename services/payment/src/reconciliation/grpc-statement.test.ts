import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { StatusError, toStatusError } from "@tenon/errors";
import { createClient, createServer, implement } from "@tenon/grpc";
import { expect, onTestFinished, test } from "vitest";
import { createGrpcStatement } from "./grpc-statement.ts";

const { TransactionKind, TransactionState } = processorv1;
const { signal } = new AbortController();

type Change = Partial<Pick<processorv1.Transaction, "reference" | "kind" | "state" | "authorizationId">>;

const transaction = (change: Change = {}) =>
  create(processorv1.TransactionSchema, {
    id: randomUUID(),
    reference: randomUUID(),
    kind: TransactionKind.CAPTURE,
    state: TransactionState.APPROVED,
    authorizationId: randomUUID(),
    amount: { currencyCode: "USD", units: 10n, nanos: 0 },
    ...change,
  });

interface Theirs {
  list?: (
    request: processorv1.ListTransactionsRequest,
  ) => MessageInitShape<typeof processorv1.ListTransactionsResponseSchema>;
  get?: (reference: string) => MessageInitShape<typeof processorv1.GetTransactionResponseSchema>;
}

/** The adapter on a processor that shows its log so. */
function connect({ list = () => ({}), get = () => ({}) }: Theirs) {
  const unexpected = () => {
    throw new Error("not asked for");
  };
  const service = implement(processorv1.ProcessorService, {
    ...{ authorize: unexpected, capture: unexpected, void: unexpected, refund: unexpected },
    listTransactions: async (request) => list(request),
    getTransaction: async ({ reference }) => get(reference),
  });
  const server = createServer({ services: [service] });
  const client = createClient(processorv1.ProcessorService, { target: server });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return createGrpcStatement({ client });
}

test("a page has its lines in their order, and the next one's token while there is one", async () => {
  const [first, second] = [transaction(), transaction({ kind: TransactionKind.AUTHORIZE, authorizationId: "" })];
  const statement = connect({
    list: ({ pageToken }) => ({ transactions: [first, second], nextPageToken: pageToken === "" ? "next" : "" }),
  });
  const page = await statement.read("", { signal });
  expect(page.nextPageToken).toBe("next");
  expect(page.lines).toMatchObject([
    { transactionId: first.id, kind: "CAPTURE", state: "APPROVED", amount: { currency: "USD", minor: 1000n } },
    { transactionId: second.id, kind: "AUTHORIZE", authorizationId: null },
  ]);
  expect((await statement.read("next", { signal })).nextPageToken).toBeUndefined();
});

test("where the processor no longer knows the token, its statement is read from the beginning", async () => {
  const asked: string[] = [];
  const statement = connect({
    list({ pageToken }) {
      asked.push(pageToken);
      if (pageToken === "") return { transactions: [transaction()], nextPageToken: "fresh" };
      throw new StatusError("INVALID_ARGUMENT", "not one of this list", { reason: "PAGE_TOKEN_INVALID" });
    },
  });
  expect(await statement.read("old", { signal })).toMatchObject({ nextPageToken: "fresh" });
  expect(asked).toEqual(["old", ""]);
});

test("a reference that the processor never saw is nothing; one that cannot be asked for is no answer", async () => {
  const fail = (code: "NOT_FOUND" | "UNAVAILABLE") =>
    connect({
      get() {
        throw new StatusError(code, "no");
      },
    }).find(randomUUID(), { signal });
  expect(await fail("NOT_FOUND")).toBeUndefined();
  await expect(fail("UNAVAILABLE")).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("whoever compares is told that it is the processor that does not answer, and nothing of the way to it", async () => {
  const late = () => {
    throw new StatusError("DEADLINE_EXCEEDED", "10.1.2.3 said nothing");
  };
  const statement = connect({ list: late, get: late });
  for (const asked of [statement.read("", { signal }), statement.find(randomUUID(), { signal })]) {
    const error = toStatusError(await asked.catch((error: unknown) => error));
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED", reason: "PROCESSOR_UNAVAILABLE" });
    expect(error.message).toMatch(/^the processor does not answer/);
    expect(error.message).not.toContain("10.1.2.3");
  }
});

for (const [what, answer] of [
  ["nothing", () => ({})],
  ["another transaction", () => ({ transaction: transaction() })],
  ["no kind", (reference: string) => ({ transaction: transaction({ reference, kind: 0 }) })],
  ["a state of the future", (reference: string) => ({ transaction: transaction({ reference, state: 99 as 1 }) })],
] as const) {
  test(`an answer with ${what} is none`, async () => {
    const error = await connect({ get: answer })
      .find(randomUUID(), { signal })
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(StatusError);
  });
}
