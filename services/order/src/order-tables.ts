import type { Generated } from "kysely";
import type { ProductState } from "./catalog/product.ts";
import type { OrderFailure } from "./order.ts";
import type { OrderState } from "./order-states.ts";

/** The service's database, as its migrations make it. */
export interface Tables {
  products: ProductTable;
  orders: OrderTable;
  order_items: OrderItemTable;
  order_refunds: OrderRefundTable;
}

export interface ProductTable {
  id: string;
  sku: string;
  name: string;
  currency: string;
  price_minor: bigint;
  state: ProductState;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

export interface OrderTable {
  id: string;
  user_id: string;
  currency: string;
  total_minor: bigint;
  refunded_minor: Generated<bigint>;
  refunding_minor: Generated<bigint>;
  payment_method: string;
  state: OrderState;
  version: bigint;
  payment_asked_at: Date | null;
  payment_id: string | null;
  failure_reason: OrderFailure["reason"] | null;
  failure_message: string | null;
  created_at: Date;
  updated_at: Date;
  /** This one and `lease_until` are set to what the database's clock says: one clock for all who claim. */
  next_attempt_at: Generated<Date | null>;
  attempts: Generated<number>;
  claimed_by: string | null;
  lease_until: Date | null;
  trace_parent: string | null;
}

export interface OrderItemTable {
  order_id: string;
  position: number;
  product_id: string;
  sku: string;
  name: string;
  quantity: number;
  unit_price_minor: bigint;
}

export interface OrderRefundTable {
  id: string;
  order_id: string;
  amount_minor: bigint;
  state: "PENDING" | "DONE" | "REFUSED";
  created_at: Date;
}
