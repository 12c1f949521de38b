import { setTimeout as wait } from "node:timers/promises";
import { tracedWork } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { createPeriodicWorker, type Worker } from "@tenon/runtime";
import type { ClaimedOrder, OrderQueue } from "./order-queue.ts";
import type { OrderSaga } from "./order-saga.ts";
import { createOutageBrake } from "./outage-brake.ts";
import { retryDelay } from "./retry-delay.ts";

export interface OrderWorkerOptions {
  queue: OrderQueue;
  saga: OrderSaga;
  /** Calls back whenever there may be something to do, until the function that it returns is called. */
  onDue: (wake: () => void) => () => void;
  logger: Logger;
  now: () => Date;
  /** From 0 to 1, for the jitter of delays. */
  random: () => number;
  /** Resolves after so long, or when the signal aborts; by default by a timer. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Orders in work at once; by default 16. */
  concurrency?: number;
  /** How often to look for what nobody called for: orders whose delay or whose holder's lease ran out. By default 1 s. */
  pollMs?: number;
  /** How often the claims of orders in work are renewed; by default every second. Well below the lease of a claim. */
  renewMs?: number;
  /** A step that takes longer is cut off and tried again later; by default 10 s. */
  stepTimeoutMs?: number;
  /** How long steps in work may take to end when the worker stops, before they are cut off; by default 2 s. */
  stopGraceMs?: number;
}

/** Drives open orders to where they rest: claims what is due and does step after step, several orders at once. */
export function createOrderWorker(options: OrderWorkerOptions): Worker {
  const { queue, saga, onDue, logger, now, random, sleep = byTimer } = options;
  const { concurrency = 16, pollMs = 1000, renewMs = 1000, stepTimeoutMs = 10_000, stopGraceMs = 2000 } = options;
  const inWork = new Map<ClaimedOrder, Promise<void>>();
  const stopping = new AbortController();
  const cutOff = new AbortController();
  const brake = createOutageBrake({ now, random });
  let alarm = Promise.withResolvers<void>();
  let running: Promise<void> | undefined;

  const heartbeat = createPeriodicWorker({
    name: "order-claims",
    intervalMs: renewMs,
    work: () => queue.renew([...inWork.keys()]),
    logger,
  });
  const wake = () => alarm.resolve();

  async function run(): Promise<void> {
    const unsubscribe = onDue(wake);
    while (!stopping.signal.aborted) {
      // Armed before looking, so that what comes due meanwhile is not slept through.
      alarm = Promise.withResolvers();
      const free = brake.admit(concurrency - inWork.size, inWork.size);
      const claimed = free > 0 ? await claim(free) : [];
      for (const order of claimed) begin(order);
      if (claimed.length < free || free === 0) await alarmOr(Math.min(pollMs, brake.waitMs() || pollMs));
    }
    unsubscribe();
  }

  async function claim(limit: number): Promise<ClaimedOrder[]> {
    try {
      return await queue.claim(limit);
    } catch (error) {
      logger.warn({ err: error }, "open orders cannot be looked for");
      return [];
    }
  }

  function begin(order: ClaimedOrder): void {
    const { state, traceParent } = order;
    const span = { name: "drive order", traceParent, attributes: { "order.state": state } };
    const work = tracedWork(span, () => drive(order)).finally(() => {
      inWork.delete(order);
      wake();
    });
    inWork.set(order, work);
  }

  async function drive(claimed: ClaimedOrder): Promise<void> {
    let order = claimed;
    try {
      while (!stopping.signal.aborted) {
        const next = await saga(order, AbortSignal.any([cutOff.signal, AbortSignal.timeout(stepTimeoutMs)]));
        if (next === undefined) return brake.note(undefined);
        order = next;
      }
      await queue.release(order);
    } catch (error) {
      brake.note(error);
      await giveBack(order, error);
    }
  }

  async function giveBack(order: ClaimedOrder, error: unknown): Promise<void> {
    const facts = { order_id: order.id, state: order.state, attempts: order.attempts + 1 };
    try {
      if (cutOff.signal.aborted) return await queue.release(order);
      const delayMs = retryDelay(order.attempts, { error, random });
      logger.warn({ ...facts, delay_ms: delayMs, err: error }, "a step of an order failed and is tried again");
      await queue.postpone(order, delayMs);
    } catch (err) {
      logger.warn({ ...facts, err }, "an order cannot be given back; it is taken up when its lease runs out");
    }
  }

  async function alarmOr(timeoutMs: number): Promise<void> {
    const awake = new AbortController();
    await Promise.race([alarm.promise, sleep(timeoutMs, awake.signal)]);
    awake.abort();
  }

  return {
    name: "orders",
    start() {
      heartbeat.start();
      running = run();
    },
    async stop() {
      stopping.abort();
      wake();
      const timer = setTimeout(() => cutOff.abort(), stopGraceMs);
      await running;
      await Promise.all(inWork.values());
      clearTimeout(timer);
      await heartbeat.stop();
    },
  };
}

const byTimer = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => {});
