import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { servePayment } from "../payment-server-fixture.ts";
import { lineOf } from "../processor-fixture.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const RUNBOOK = readFileSync(join(ROOT, "docs/runbook.md"), "utf8");
const options = { timeoutMs: 10_000 };
const { signal } = new AbortController();

/** What the runbook's script tells of an order and its payment, by kind. */
function referencesOf(orderId: string, paymentId: string) {
  const [script = ""] = /^node_modules\/\S+ --input-type=module .*?^ +}'$/ms.exec(RUNBOOK) ?? [];
  const input = `${orderId} ${paymentId} CONFIRMED\n`;
  const bash = spawnSync("bash", ["-c", script.replace("< orders.txt", "")], { cwd: ROOT, encoding: "utf8", input });
  expect(bash).toMatchObject({ status: 0, stderr: "" });
  const rows = bash.stdout.trim().split("\n");
  return Object.fromEntries(
    rows.map((row) => {
      const [reference = "", kind = "", order, state, payment, requestId = ""] = row.split(" ");
      expect([order, state, payment]).toEqual([orderId, "CONFIRMED", paymentId]);
      return [kind, { reference, requestId }];
    }),
  );
}

async function serve() {
  const served = await servePayment();
  const open = served.db.selectFrom("findings").select(["kind", "reference"]).where("resolved_at", "is", null);
  return { ...served, openFindings: () => open.execute() };
}

test("34: whose a capture is that a restored database lost is told by the runbook's words, and it is taken up", async () => {
  const { order, authorization, processor, clock, reconcileSome, openFindings } = await serve();
  const orderId = randomUUID();
  // Those of the requests are the same whatever the payment is.
  const { AUTHORIZE, CAPTURE } = referencesOf(orderId, randomUUID());
  const wanted = authorization({ requestId: AUTHORIZE?.requestId ?? "", orderId });
  const { id: paymentId = "" } = (await order.authorizePayment(wanted, options)).payment ?? {};
  // The copy is from before the capture.
  const [{ transactionId: authorizationId = "", reference: authorize } = {}] = processor.lines;
  const references = referencesOf(orderId, paymentId);
  const { reference = "" } = references["CAPTURE"] ?? {};
  await processor.capture({ reference, authorizationId }, { signal });
  await reconcileSome();
  expect(await openFindings()).toEqual([{ kind: "TRANSACTION_UNKNOWN", reference }]);
  expect(references["AUTHORIZE"]?.reference).toBe(authorize);
  const { payment } = await order.capturePayment({ requestId: CAPTURE?.requestId ?? "", paymentId }, options);
  expect(payment?.state).toBe(paymentv1.PaymentState.CAPTURED);
  clock.advance(60_000);
  await reconcileSome();
  expect(await openFindings()).toEqual([]);
  expect(processor.lines.map(({ kind }) => kind)).toEqual(["AUTHORIZE", "CAPTURE"]);
});

test("34: a transaction of nobody is closed by the runbook's words, for good once others have gone by", async () => {
  const { db, processor, captured, reconcileSome, openFindings } = await serve();
  processor.pageSize = 2;
  const reference = randomUUID();
  processor.lines.push(lineOf("CAPTURE", reference, randomUUID(), { currency: "USD", minor: 7n }));
  await reconcileSome();
  const [words = ""] = /^update findings .*;$/m.exec(RUNBOOK) ?? [];
  const close = () => sql.raw(words.replace("…", reference)).execute(db);
  await close();
  expect(await openFindings()).toEqual([]);
  await reconcileSome();
  expect(await openFindings()).toEqual([{ kind: "TRANSACTION_UNKNOWN", reference }]);
  for (let n = 0; n < 2; n++) await captured();
  await reconcileSome();
  await close();
  await reconcileSome();
  expect(await openFindings()).toEqual([]);
});
