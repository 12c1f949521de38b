// Calls the server of overload-peer.ts at a given rate, whether or not it answers, as the world does: the phases to go through are
// the argument, as JSON, and what came of the calls goes to standard output.
import { randomUUID } from "node:crypto";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import type { StatusError } from "@tenon/errors";
import { createClient } from "@tenon/grpc";
import { createServiceTokens, serviceToken } from "@tenon/interceptors";

export const RANKS = ["high", "normal", "low"] as const;
export type Rank = (typeof RANKS)[number];

export interface LoadPlan {
  readonly port: number;
  /** The private JWK of service order. */
  readonly key: object;
  readonly phases: readonly { readonly perSecond: number; readonly seconds: number }[];
  /** Each call's; the callers give up then. */
  readonly deadlineMs: number;
}

/** What became of one call, in milliseconds since the start of the load. */
export interface CallOutcome {
  readonly phase: number;
  readonly rank: Rank;
  readonly sentMs: number;
  readonly tookMs: number;
  readonly end: "ok" | "shed" | "late" | "failed";
}

const CONNECTIONS = 4;
const TICK_MS = 2;

/** One in ten is urgent, four are ordinary, five can wait. */
const rankOf = (n: number): Rank => (n % 10 === 0 ? "high" : n % 10 < 5 ? "normal" : "low");

async function load({ port, key, phases, deadlineMs }: LoadPlan): Promise<CallOutcome[]> {
  const tokens = createServiceTokens({ name: "order", key: key as never });
  const clients = Array.from({ length: CONNECTIONS }, () =>
    createClient(paymentv1.PaymentService, {
      target: `127.0.0.1:${port}`,
      interceptors: [serviceToken(tokens, "payment")],
    }),
  );
  const outcomes: CallOutcome[] = [];
  const startedMs = performance.now();
  const pending = new Set<Promise<void>>();
  const paymentId = randomUUID();
  let sent = 0;

  async function call(phase: number): Promise<void> {
    const rank = rankOf(sent);
    const client = clients[sent % CONNECTIONS] as (typeof clients)[number];
    sent += 1;
    const sentMs = performance.now();
    const options = { timeoutMs: deadlineMs };
    const answer =
      rank === "high"
        ? client.capturePayment({ requestId: paymentId, paymentId }, options)
        : rank === "normal"
          ? client.getPayment({ paymentId }, options)
          : client.listPayments({}, options);
    const end = await answer.then(() => "ok" as const, endOf);
    outcomes.push({ phase, rank, sentMs: sentMs - startedMs, tookMs: performance.now() - sentMs, end });
  }

  let phaseStartMs = startedMs;
  for (const [phase, { perSecond, seconds }] of phases.entries()) {
    const endMs = phaseStartMs + seconds * 1000;
    let made = 0;
    for (let now = performance.now(); now < endMs; now = performance.now()) {
      const due = ((now - phaseStartMs) / 1000) * perSecond;
      for (; made < due; made++) {
        const running = call(phase);
        pending.add(running);
        void running.finally(() => pending.delete(running));
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    phaseStartMs = endMs;
  }
  await Promise.all(pending);
  for (const client of clients) client.close();
  return outcomes;
}

function endOf({ code, reason }: StatusError): CallOutcome["end"] {
  if (reason === "OVERLOADED") return "shed";
  return code === "DEADLINE_EXCEEDED" ? "late" : "failed";
}

if (import.meta.main) process.stdout.write(JSON.stringify(await load(JSON.parse(process.argv[2] ?? ""))));
