import { simulateOrder } from "@tenon/order/simulated";
import { simulatePayment } from "@tenon/payment/simulated";
import { simulateProcessor } from "@tenon/processor/simulated";
import { createSimulation, type Life } from "@tenon/testing";
import { findViolations } from "./simulation-checks.ts";

export interface SimulatedRunOptions {
  seed: number;
  /** Only to show that a missing guard is noticed. */
  unfenced?: boolean;
}

export interface SimulatedRun {
  readonly seed: number;
  readonly orders: number;
  readonly kills: number;
  /** What must not be; empty in a platform that keeps its promise. */
  readonly violations: readonly string[];
  readonly history: readonly string[];
}

/** How long customers are about, and how long everything may take to come to rest after that. */
const BUSY_MS = 40_000;
const REST_MS = 240_000;
const RELAY_MS = 500;
const METHODS = ["pm_ok", "pm_ok", "pm_ok", "pm_declined", "pm_slow", "pm_timeout_then_ok"];
const PRICES = [1999n, 1n, 25_000n];

/**
 * One run of order, payment and processor with their customers, in which everything that can go wrong does by the seed:
 * processes killed at any moment, requests and answers lost, late and doubled. In the end all is calm, and must be right.
 */
export async function runSimulation({ seed, unfenced = false }: SimulatedRunOptions): Promise<SimulatedRun> {
  const simulation = createSimulation({ seed });
  const { random, now, newId } = simulation;
  const instants = { createdAt: now(), updatedAt: now() };
  const products = PRICES.map((minor, i) => {
    const price = { currency: "EUR", minor };
    return {
      id: newId(),
      sku: `P-${i}`,
      name: `Product ${i}`,
      price,
      state: "ACTIVE",
      version: 1n,
      ...instants,
    } as const;
  });
  const left = new Set<string>();
  const users = { isActive: async (userId: string) => !left.has(userId) };
  const processor = simulateProcessor(simulation);
  const payment = simulatePayment({ simulation, processorIn: processor.clientIn });
  const order = simulateOrder({ simulation, products, users, paymentsIn: payment.clientIn, unfenced });
  let isOver = false;

  /** Until it is answered, as a customer does who wants to know; with the same request id. */
  async function insist<T>(life: Life, attempt: () => Promise<T>): Promise<T | undefined> {
    for (let attempts = 0; attempts < 40; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        if ((error as { code?: string }).code === "FAILED_PRECONDITION") return undefined;
        await life.sleep(random.between(100, 2000));
      }
    }
    return undefined;
  }

  async function shop(life: Life): Promise<void> {
    const userId = newId();
    const caller = { userId, isAdmin: false };
    await life.sleep(random.between(0, BUSY_MS / 2));
    const lines = random.shuffled(products).slice(0, random.between(1, 2));
    const wanted = {
      userId,
      lines: lines.map(({ id }) => ({ productId: id, quantity: random.between(1, 3) })),
      paymentMethod: random.pick(METHODS),
    };
    const requestId = newId();
    const placed = await insist(life, () => order.create(life, requestId, wanted));
    if (placed === undefined) return;
    await life.sleep(random.between(0, 8000));
    const what = random.between(1, 6);
    if (what === 1) {
      left.add(userId);
      await insist(life, () => order.hearUserLeft(life, `left/${userId}`, userId));
    }
    const id = newId();
    if (what === 2 || what === 3) await insist(life, () => order.cancel(life, id, placed.id, caller));
    if (what === 4) {
      const amount = { ...placed.total, minor: placed.total.minor / 2n || 1n };
      await insist(life, () => order.refund(life, id, placed.id, amount));
    }
  }
  for (let i = 0; i < 6; i++) void shop(simulation.start(`customer-${i}`).life as Life);

  /** As payment's relay does: tells of each version until it was heard, now and then again. */
  simulation.start("relay", (life) => {
    void (async () => {
      const heard = new Set<string>();
      while (!isOver) {
        await life.sleep(RELAY_MS);
        for (const [id, { orderId, refundedMinor, state }] of payment.tables().events) {
          if (state.endsWith("ING") || (heard.has(id) && !random.isOneIn(50))) continue;
          const settled = { orderId, refundedMinor };
          await order.hearPayment(life, id, settled).then(
            () => heard.add(id),
            () => {},
          );
        }
      }
    })();
  });

  await simulation.run(BUSY_MS);
  simulation.calmDown();
  await simulation.run(REST_MS);
  isOver = true;
  const books = { orders: order.tables(), payments: payment.tables(), processor: processor.log() };
  return {
    seed,
    orders: books.orders.orders.size,
    kills: simulation.history.filter((line) => line.includes("is killed")).length,
    violations: findViolations(books),
    history: simulation.history,
  };
}
