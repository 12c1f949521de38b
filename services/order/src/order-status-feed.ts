import { StatusError } from "@tenon/errors";
import type { OrderChanges } from "./order-service.ts";

export interface OrderStatusFeedOptions {
  /**
   * Calls back with the id of every order that changed, in whatever process; with undefined after a time in which
   * changes may have been missed.
   */
  onChange: (changed: (orderId: string | undefined) => void) => void;
  /** Subscriptions at once, beyond which they are refused with RESOURCE_EXHAUSTED (OVERLOADED); by default 10,000. */
  limit?: number;
}

/** One bit for each subscription, whatever happens how often: that there is something to look at. */
export function createOrderStatusFeed({ onChange, limit = 10_000 }: OrderStatusFeedOptions): OrderChanges {
  const bellsByOrder = new Map<string, Set<Bell>>();
  let count = 0;

  onChange((orderId) => {
    const rung = orderId === undefined ? bellsByOrder.values() : [bellsByOrder.get(orderId) ?? []];
    for (const bells of rung) for (const bell of bells) bell.ring();
  });

  return {
    subscribe(orderId) {
      if (count >= limit) {
        throw new StatusError("RESOURCE_EXHAUSTED", "too many orders are watched", {
          reason: "OVERLOADED",
          retryDelayMs: 1000,
        });
      }
      const key = orderId.toLowerCase();
      const bell = createBell();
      const bells = bellsByOrder.get(key) ?? new Set();
      bellsByOrder.set(key, bells.add(bell));
      count += 1;
      return {
        next: bell.next,
        [Symbol.dispose]() {
          if (!bells.delete(bell)) return;
          count -= 1;
          if (bells.size === 0) bellsByOrder.delete(key);
        },
      };
    },
  };
}

type Bell = ReturnType<typeof createBell>;

function createBell() {
  let rung = false;
  let waiting: (() => void) | undefined;

  return {
    ring() {
      rung = true;
      waiting?.();
    },
    async next(signal: AbortSignal): Promise<void> {
      signal.throwIfAborted();
      if (!rung) await ringOrAbort(signal);
      rung = false;
    },
  };

  async function ringOrAbort(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    waiting = resolve;
    try {
      await promise;
    } finally {
      waiting = undefined;
      signal.removeEventListener("abort", abort);
    }
  }
}
