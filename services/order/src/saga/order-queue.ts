import type { Money } from "@tenon/money";
import type { OrderFailure, Refund } from "../order.ts";
import type { OrderState } from "../order-states.ts";

/**
 * Longer than any lease and any delay. One that ends later was written by a clock that was wrong, and counts for nothing: who
 * holds the order all the same is told apart by its claim.
 */
export const LONGEST_WAIT_MS = 60_000;

/** An order that a worker has claimed, with what the next step needs to know. */
export interface ClaimedOrder {
  readonly id: string;
  readonly userId: string;
  readonly total: Money;
  readonly refunded: Money;
  readonly refunding: Money;
  readonly paymentMethod: string;
  readonly state: OrderState;
  readonly version: bigint;
  /** A request for money may have left. */
  readonly paymentAsked: boolean;
  readonly paymentId: string | undefined;
  /** How often the present step has failed. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Names this claim of this order, and no other claim. */
  readonly claim: string;
  /** The trace of the call that placed the order. */
  readonly traceParent: string | undefined;
}

/** What a step brought. */
export interface OrderChange {
  state: OrderState;
  paymentId?: string | undefined;
  refunded?: Money;
  /** A refund that has ended: its amount is no longer under way. */
  refund?: Refund;
  /** How; by default DONE. */
  refundState?: "DONE" | "REFUSED";
  failure?: OrderFailure;
}

/**
 * The orders that have something to be done, shared by the workers of all replicas. A claim holds for a lease, which its
 * holder renews while it works, so that the orders of a worker that was killed are soon another's. Changes are made only
 * under the claim and only to the version that the worker knew: whoever lost either gets undefined and has changed nothing.
 */
export interface OrderQueue {
  /** Claims up to `limit` orders that are due and that nobody holds, the oldest first. */
  claim(limit: number): Promise<ClaimedOrder[]>;
  /** Has these claims hold for another lease from now; those that were lost stay lost. */
  renew(orders: readonly ClaimedOrder[]): Promise<void>;
  /** The claimed order as it is now; undefined where the claim was lost. */
  reload(order: ClaimedOrder): Promise<ClaimedOrder | undefined>;
  /** Notes that a request for money may leave from now on. */
  markAsked(order: ClaimedOrder): Promise<ClaimedOrder | undefined>;
  /** The refund of this order that was asked for first and is not done. */
  nextRefund(order: ClaimedOrder): Promise<Refund | undefined>;
  /** Makes the order's next version. One that has nothing more to be done is no longer claimed. */
  change(order: ClaimedOrder, change: OrderChange): Promise<ClaimedOrder | undefined>;
  /** Gives the claim up after a failed attempt, until `delayMs` are over or somebody changes the order. */
  postpone(order: ClaimedOrder, delayMs: number): Promise<void>;
  /** Gives the claim up for another worker to go on at once. */
  release(order: ClaimedOrder): Promise<void>;
}
