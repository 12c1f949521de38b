import { randomUUID } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import { StatusError } from "@tenon/errors";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { deleteExpired } from "../index.ts";
import { callOf, failureOf, onceRig, replayed, requestOf, writing } from "./once-fixture.ts";

const { CreateOrderResponseSchema: Response } = orderv1;
const HOUR_MS = 3_600_000;

test("1: a repetition gets the first answer byte by byte, with a trailer, and has no effect", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const answers: string[] = [];
  for (const attempt of [1, 2, 3]) {
    const call = callOf();
    const response = await rig.once(call, request, Response, writing(`attempt ${attempt}`));
    answers.push(Buffer.from(toBinary(Response, response)).toString("hex"));
    expect(replayed(call)).toBe(attempt > 1);
  }
  expect(new Set(answers).size).toBe(1);
  expect(await rig.effects()).toEqual(["attempt 1"]);
});

test("2: fifty at once on two replicas: one effect; the others replay or are told to wait", async () => {
  await using rig = await onceRig();
  const second = rig.secondPool();
  const replicas = [rig.once, rig.replica(second)];
  const request = requestOf();
  const attempts = Array.from({ length: 50 }, (_, index) =>
    (replicas[index % 2] as typeof rig.once)(callOf(), request, Response, writing("one")),
  );
  const outcomes = await Promise.allSettled(attempts);
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") expect(outcome.value.order?.id).toBe("one");
    else expect(outcome.reason).toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS", retryDelayMs: 100 });
  }
  expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(await rig.effects()).toEqual(["one"]);
  await second.destroy();
});

test("while one attempt is refused and another succeeds, all get the answer of the first that was recorded", async () => {
  await using rig = await onceRig();
  const refused = () => Promise.reject(new StatusError("FAILED_PRECONDITION", "no", { reason: "NO" }));
  const answered = (name: string) => async (tx: Parameters<ReturnType<typeof writing>>[0]) => {
    const { order } = await writing(name)(tx);
    return name.startsWith("refused") ? refused() : { order };
  };
  for (let round = 0; round < 20; round++) {
    const request = requestOf();
    const settled = (name: string): Promise<string> =>
      rig.once(callOf(), request, Response, answered(`${name} ${round}`)).then(
        ({ order }) => order?.id ?? "",
        (failure) => (failure.code === "ABORTED" ? settled(name) : failure.reason),
      );
    const answers = await Promise.all(["refused", "taken", "refused", "taken"].map(settled));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(new RegExp(`^(NO|taken ${round})$`));
    expect((await rig.effects()).includes(`taken ${round}`)).toBe(answers[0] !== "NO");
  }
  expect((await rig.effects()).some((name) => name.startsWith("refused"))).toBe(false);
});

test("a rival does not wait for the one at work", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const rival = await rig.once(callOf(), request, Response, async (tx) => {
    const failure = await failureOf(rig.once(callOf(), request, Response, writing("rival")));
    await writing("first")(tx);
    return { order: { id: failure.reason } };
  });
  expect(rival.order?.id).toBe("REQUEST_IN_PROGRESS");
  expect(await rig.effects()).toEqual(["first"]);
});

test("3: another request under the same id is refused without an effect, whatever the first one became", async () => {
  await using rig = await onceRig();
  const declined = async () => {
    throw new StatusError("FAILED_PRECONDITION", "no", { reason: "NO" });
  };
  for (const first of [writing("first"), declined]) {
    const request = requestOf();
    await rig.once(callOf(), request, Response, first).catch(() => {});
    const other = requestOf({ requestId: request.requestId, paymentMethod: "pm_slow" });
    const failure = await failureOf(rig.once(callOf(), other, Response, writing("other")));
    expect(failure).toMatchObject({ code: "ALREADY_EXISTS", reason: "REQUEST_ID_REUSED" });
  }
  expect(await rig.effects()).toEqual(["first"]);
});

test("an id in other letters is the same id", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  await rig.once(callOf(), request, Response, writing("lower"));
  const call = callOf();
  await rig.once(call, requestOf({ requestId: request.requestId.toUpperCase() }), Response, writing("upper"));
  expect(replayed(call)).toBe(true);
});

test("4: the same id of another caller or for another method is another request", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  await rig.once(callOf(), request, Response, writing("ada"));
  await rig.once(callOf({ method: "cancelOrder" }), cancelOf(request.requestId), Response, writing("ada cancels"));
  rig.caller.current = { kind: "user", id: "bob" };
  await rig.once(callOf(), request, Response, writing("bob"));
  rig.caller.current = { kind: "service", name: "ada" };
  await rig.once(callOf(), request, Response, writing("service"));
  rig.caller.current = { kind: "anonymous" };
  await rig.once(callOf(), request, Response, writing("anonymous"));
  expect(await rig.effects()).toEqual(["ada", "ada cancels", "bob", "service", "anonymous"]);
});

const cancelOf = (requestId: string) => ({ $typeName: "order.v1.CancelOrderRequest", requestId, orderId: "" }) as const;

for (const code of ["NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "FAILED_PRECONDITION"] as const) {
  test(`6: ${code} is an answer: what was written is undone, and the same failure is repeated for ever`, async () => {
    await using rig = await onceRig();
    const request = requestOf();
    const told = new StatusError(code, "no, and this is why", {
      reason: "WHY",
      domain: "order",
      metadata: { by: "rule" },
      violations: [{ field: "items", description: "none" }],
      retryDelayMs: 5,
      details: [{ typeUrl: "type.googleapis.com/order.v1.Order", value: new Uint8Array([10, 1, 65]) }],
      cause: new Error("the stack stays here"),
    });
    const declined = async (tx: Parameters<ReturnType<typeof writing>>[0]) => {
      await writing("undone")(tx);
      throw told;
    };
    expect(await failureOf(rig.once(callOf(), request, Response, declined))).toBe(told);
    const call = callOf();
    const again = await failureOf(rig.once(call, request, Response, writing("topped up")));
    const { cause: _, stack: __, ...content } = told;
    expect({ ...again, details: again.details.map(bytesOf) }).toEqual({
      ...content,
      details: told.details.map(bytesOf),
    });
    expect(again.message).toBe(told.message);
    expect(replayed(call)).toBe(true);
    await rig.once(callOf(), requestOf(), Response, writing("new id"));
    expect(await rig.effects()).toEqual(["new id"]);
  });
}

const bytesOf = ({ typeUrl, value }: { typeUrl: string; value: Uint8Array }) => [typeUrl, ...value];

const passing = [
  new StatusError("INVALID_ARGUMENT", "quantity must be positive"),
  new StatusError("UNAVAILABLE", "later"),
  new StatusError("RESOURCE_EXHAUSTED", "slower"),
  new StatusError("NOT_FOUND", "of another service", { remote: true }),
  new Error("a defect"),
];

for (const error of passing) {
  test(`5: ${error.message}: leaves no trace, so the id serves a corrected request`, async () => {
    await using rig = await onceRig();
    const request = requestOf();
    const failing = async (tx: Parameters<ReturnType<typeof writing>>[0]) => {
      await writing("undone")(tx);
      throw error;
    };
    expect(await failureOf(rig.once(callOf(), request, Response, failing))).toBe(error);
    expect(await rig.records()).toEqual([]);
    const corrected = requestOf({ requestId: request.requestId, paymentMethod: "pm_slow" });
    await rig.once(callOf(), corrected, Response, writing("corrected"));
    expect(await rig.effects()).toEqual(["corrected"]);
  });
}

test("a failure that is returned is answered and repeated, and what was written stays", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const declined = async (tx: Parameters<ReturnType<typeof writing>>[0]) => {
    await writing("declined")(tx);
    return new StatusError("FAILED_PRECONDITION", "declined", { reason: "PAYMENT_DECLINED" });
  };
  for (const attempt of [declined, writing("again")]) {
    const failure = await failureOf(rig.once(callOf(), request, Response, attempt));
    expect(failure).toMatchObject({ code: "FAILED_PRECONDITION", reason: "PAYMENT_DECLINED" });
  }
  expect(await rig.effects()).toEqual(["declined"]);
});

test("8: a call that ends before the commit has no effect; a retry has", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const caller = new AbortController();
  const gone = new StatusError("DEADLINE_EXCEEDED", "too late");
  const leaving = rig.once(callOf({ signal: caller.signal }), request, Response, async (tx) => {
    const answer = await writing("lost")(tx);
    caller.abort(gone);
    return answer;
  });
  expect(await failureOf(leaving)).toBe(gone);
  await rig.once(callOf(), request, Response, writing("retry"));
  expect(await rig.effects()).toEqual(["retry"]);
});

for (const requestId of ["", "x", "1".repeat(36), `${randomUUID()}\n`, `{${randomUUID()}}`, "a".repeat(100_000)]) {
  test(`10: the request id ${JSON.stringify(requestId.slice(0, 40))} is INVALID_ARGUMENT`, async () => {
    await using rig = await onceRig();
    const failure = await failureOf(rig.once(callOf(), requestOf({ requestId }), Response, writing("none")));
    expect(failure).toMatchObject({ code: "INVALID_ARGUMENT", violations: [{ field: "request_id" }] });
    expect(await rig.effects()).toEqual([]);
  });
}

test("11: after its time a record still answers until it is swept, in batches; then the id is free again", async () => {
  await using rig = await onceRig({ keepMs: HOUR_MS });
  const request = requestOf();
  const sweep = (signal?: AbortSignal) =>
    deleteExpired(rig.db, { now: rig.clock.now(), batch: 3, ...(signal && { signal }) });
  await rig.once(callOf(), request, Response, writing("first"));
  for (const name of ["a", "b", "c"]) await rig.once(callOf(), requestOf(), Response, writing(name));
  expect(await sweep()).toBe(0);
  rig.clock.advance(HOUR_MS);
  await rig.once(callOf(), request, Response, writing("second"));
  expect(await rig.effects()).toEqual(["first", "a", "b", "c"]);
  expect(await sweep(AbortSignal.abort())).toBe(0);
  expect([await sweep(), await sweep()]).toEqual([4, 0]);
  await rig.once(callOf(), request, Response, writing("third"));
  expect(await rig.effects()).toEqual(["first", "a", "b", "c", "third"]);
});

test("11: a record goes by the clock of the database, whatever that of the process says", async () => {
  await using rig = await onceRig();
  const byDatabase = rig.replica(rig.db, { now: undefined });
  const request = requestOf();
  await byDatabase(callOf(), request, Response, writing("first"));
  const { rows } = await sql<{ kept: number }>`
    select extract(epoch from expires_at - now())::float8 / 3600 as kept from idempotency`.execute(rig.db);
  expect(rows[0]?.kept).toBeCloseTo(24, 1);
  expect(await deleteExpired(rig.db, {})).toBe(0);
  await byDatabase(callOf(), request, Response, writing("second"));
  expect(await rig.effects()).toEqual(["first"]);
});

test("after a change of the secret a repetition still gets its answer", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  await rig.once(callOf(), request, Response, writing("first"));
  const renewed = rig.replica(rig.db, { secret: Buffer.from("another secret, as long as that") });
  const response = await renewed(callOf(), request, Response, writing("second"));
  expect(response.order?.id).toBe("first");
});

test("a secret that could be guessed is refused", async () => {
  await using rig = await onceRig();
  expect(() => rig.replica(rig.db, { secret: Buffer.from("short") })).toThrow(/at least 16 bytes/);
});

test("neither the request nor a plain hash of it is kept", async () => {
  await using rig = await onceRig();
  await rig.once(callOf(), requestOf({ paymentMethod: "pm_canary" }), Response, writing("first"));
  expect(JSON.stringify(await rig.records())).not.toContain("canary");
});
