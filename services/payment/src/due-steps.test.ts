import { createLogger } from "@tenon/logger";
import { expect, test } from "vitest";
import { createDueStepFinisher } from "./due-steps.ts";
import { newPayment, type Work } from "./payment.ts";

const logger = createLogger({ name: "test", level: "silent" });
const amount = { currency: "USD", minor: 1000n };

function workOf(id: string): Work {
  const facts = { orderId: "order", userId: "user", amount, paymentMethod: "pm_ok", createdAt: new Date(0) };
  const step = { id, paymentId: id, kind: "AUTHORIZE", requestId: id, amount, state: "PENDING", attempts: 1 } as const;
  return { step, payment: newPayment({ id, ...facts }) };
}

test("payments whose processor is slow hold none of the others, and more of them than there is room for wait", async () => {
  const slow = Array.from({ length: 15 }, (_, n) => workOf(`slow ${n}`));
  const due = [...slow];
  const answer = Promise.withResolvers<void>();
  const quick = Promise.withResolvers<void>();
  const asked: string[] = [];
  const worker = createDueStepFinisher({
    store: { leaseDueStep: async () => due.shift() },
    driver: {
      async finish(work) {
        asked.push(work.step.id);
        if (asked.length === slow.length) due.push(workOf("quick 1"));
        if (work.step.id === "quick 1") due.push(workOf("quick 2"));
        if (work.step.id === "quick 2") quick.resolve();
        else if (work.step.id.startsWith("slow")) await answer.promise;
        return work;
      },
    },
    logger,
    now: () => new Date(0),
    leaseMs: 1000,
    intervalMs: 1,
  });
  worker.start();
  await quick.promise;
  expect(asked.slice(-2)).toEqual(["quick 1", "quick 2"]);
  answer.resolve();
  await worker.stop();
});
