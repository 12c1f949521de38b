import * as orderv1 from "@tenon/contracts/order/v1";
import { StatusError } from "@tenon/errors";
import type { Kysely } from "kysely";
import { expect, test } from "vitest";
import { callOf, failureOf, onceRig, replayed, requestOf, type Tables, writing } from "./once-fixture.ts";

const { CreateOrderResponseSchema: Response } = orderv1;

/** Steps that leave their names in the table. */
const steps = (name: string, act: () => Promise<string> = async () => "acted") => ({
  begin: async (tx: Kysely<Tables>, { resumed }: { resumed: boolean }) => {
    await writing(`${name} ${resumed ? "resumes" : "begins"}`)(tx);
    return name;
  },
  act,
  finish: (tx: Kysely<Tables>, acted: string) => writing(`${name} ${acted}`)(tx),
});

const leaseEnd = async (rig: Awaited<ReturnType<typeof onceRig>>) => {
  const [record] = (await rig.records()) as { lease_expires_at: Date }[];
  return record?.lease_expires_at ?? new Date(0);
};

/** An act that is a process's last: it never ends. */
const dies = () => new Promise<never>(() => {});

test("begins and finishes in a transaction each, and a repetition gets the answer", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const first = await rig.once.inSteps(callOf(), request, Response, steps("a"));
  const call = callOf();
  expect(await rig.once.inSteps(call, request, Response, steps("b"))).toEqual(first);
  expect(replayed(call)).toBe(true);
  expect(await rig.effects()).toEqual(["a begins", "a acted"]);
});

test("no transaction is open and no connection held while it acts", async () => {
  await using rig = await onceRig({ poolSize: 1 });
  const act = async () => `sees ${(await rig.effects()).join()}`;
  await rig.once.inSteps(callOf(), requestOf(), Response, steps("a", act));
  expect(await rig.effects()).toEqual(["a begins", "a sees a begins"]);
});

test("8: a rival is kept away while the lease holds, and resumes once it has expired", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const begun = Promise.withResolvers<void>();
  const died = () => {
    begun.resolve();
    return dies();
  };
  void rig.once.inSteps(callOf(), request, Response, { ...steps("a", died), leaseMs: 400 });
  await begun.promise;
  const failure = await failureOf(rig.once.inSteps(callOf(), request, Response, steps("b")));
  expect(failure).toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS", retryDelayMs: 400 });
  rig.clock.advance(400);
  await rig.once.inSteps(callOf(), request, Response, steps("c"));
  expect(await rig.effects()).toEqual(["a begins", "c resumes", "c acted"]);
});

test("25: a lease of a clock far ahead binds nobody, and who had it cannot answer any more", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const act = () => {
    begun.resolve();
    return goOn.promise;
  };
  rig.clock.advance(3_600_000);
  const ahead = rig.once.inSteps(callOf(), request, Response, { ...steps("ahead", act), leaseMs: 30_000 });
  ahead.catch(() => {});
  await begun.promise;
  rig.clock.advance(-3_600_000);
  await rig.once.inSteps(callOf(), request, Response, steps("right"));
  goOn.resolve("too late");
  await expect(ahead).rejects.toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
  expect(await rig.effects()).toEqual(["ahead begins", "right resumes", "right acted"]);
});

test("the lease of an act that goes on is renewed", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const goOn = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const act = () => {
    begun.resolve();
    return goOn.promise;
  };
  const long = rig.once.inSteps(callOf(), request, Response, { ...steps("long", act), leaseMs: 60 });
  await begun.promise;
  for (let past = 0; past < 5; past++) {
    rig.clock.advance(50);
    const until = rig.clock.now().getTime() + 60;
    await expect.poll(async () => (await leaseEnd(rig)).getTime()).toBe(until);
  }
  const failure = await failureOf(rig.once.inSteps(callOf(), request, Response, steps("rival")));
  expect(failure).toMatchObject({ reason: "REQUEST_IN_PROGRESS" });
  goOn.resolve("acted");
  await long;
  expect(await rig.effects()).toEqual(["long begins", "long acted"]);
});

test("25: who lost the lease writes nothing more, and the answer is the other's", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const first = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  const act = () => {
    begun.resolve();
    return first.promise;
  };
  const slow = rig.once.inSteps(callOf(), request, Response, { ...steps("slow", act), leaseMs: 400 });
  await begun.promise;
  rig.clock.advance(400);
  await rig.once.inSteps(callOf(), request, Response, steps("quick"));
  first.resolve("acted late");
  expect(await failureOf(slow)).toMatchObject({ code: "ABORTED", reason: "REQUEST_IN_PROGRESS" });
  const again = await rig.once.inSteps(callOf(), request, Response, steps("again"));
  expect(again.order?.id).toBe("quick acted");
  expect(await rig.effects()).toEqual(["slow begins", "quick resumes", "quick acted"]);
});

test("a failed act gives the lease back: the next attempt resumes at once", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const unavailable = new StatusError("UNAVAILABLE", "the processor is away");
  const act = async () => {
    throw unavailable;
  };
  expect(await failureOf(rig.once.inSteps(callOf(), request, Response, steps("a", act)))).toBe(unavailable);
  await rig.once.inSteps(callOf(), request, Response, steps("b"));
  expect(await rig.effects()).toEqual(["a begins", "b resumes", "b acted"]);
});

test("a definitive failure of begin is the answer, and nothing acts", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const refused = { ...steps("a"), begin: () => Promise.reject(new StatusError("FAILED_PRECONDITION", "no")) };
  for (const attempt of [refused, steps("b")]) {
    const failure = await failureOf(rig.once.inSteps(callOf(), request, Response, attempt));
    expect(failure).toMatchObject({ code: "FAILED_PRECONDITION", message: "no" });
  }
  expect(await rig.effects()).toEqual([]);
});

test("a failure returned by finish is the answer, with what it wrote", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const declined = {
    ...steps("a"),
    finish: async (tx: Kysely<Tables>) => {
      await writing("declined")(tx);
      return new StatusError("FAILED_PRECONDITION", "declined", { reason: "PAYMENT_DECLINED" });
    },
  };
  for (const attempt of [declined, steps("b")]) {
    const failure = await failureOf(rig.once.inSteps(callOf(), request, Response, attempt));
    expect(failure).toMatchObject({ code: "FAILED_PRECONDITION", reason: "PAYMENT_DECLINED" });
  }
  expect(await rig.effects()).toEqual(["a begins", "declined"]);
});

test("9: a caller who leaves after the act does not keep the result from being written", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  const caller = new AbortController();
  const act = async () => {
    caller.abort(new StatusError("CANCELLED", "gone"));
    return "acted";
  };
  await rig.once.inSteps(callOf({ signal: caller.signal }), request, Response, steps("a", act));
  expect(await rig.effects()).toEqual(["a begins", "a acted"]);
});

test("2: fifty at once act once", async () => {
  await using rig = await onceRig();
  const request = requestOf();
  let acts = 0;
  const act = async () => `acted ${++acts}`;
  const attempts = Array.from({ length: 50 }, () => rig.once.inSteps(callOf(), request, Response, steps("a", act)));
  const outcomes = await Promise.allSettled(attempts);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ reason: "REQUEST_IN_PROGRESS" });
  }
  expect(acts).toBe(1);
  expect(await rig.effects()).toEqual(["a begins", "a acted 1"]);
});
