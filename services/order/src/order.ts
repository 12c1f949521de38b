import { type FieldViolation, StatusError } from "@tenon/errors";
import type { Money } from "@tenon/money";
import type { Product } from "./catalog/product.ts";
import type { OrderState } from "./order-states.ts";

/** What a user ordered, and how far it has come. */
export interface Order {
  readonly id: string;
  readonly userId: string;
  readonly items: readonly OrderItem[];
  readonly total: Money;
  readonly refunded: Money;
  /** What refunds under way will give back. */
  readonly refunding: Money;
  readonly state: OrderState;
  /** Grows by one with every change that a caller can see. */
  readonly version: bigint;
  readonly paymentId: string | undefined;
  readonly failure: OrderFailure | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A part of the total that is to be given back. */
export interface Refund {
  /** The request id by which payments are asked for it. */
  readonly id: string;
  readonly amountMinor: bigint;
}

/** One line, at the price of the moment when the order was placed. */
export interface OrderItem {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitPrice: Money;
  readonly amount: Money;
}

/** Why an order FAILED. */
export interface OrderFailure {
  readonly reason: "PAYMENT_DECLINED" | "USER_NOT_ACTIVE" | "AUTHORIZATION_EXPIRED" | "PAYMENT_STATE_CONFLICT";
  /** For people. */
  readonly message: string;
}

/** One line as asked for. */
export interface OrderLine {
  readonly productId: string;
  readonly quantity: number;
}

/** The largest total in minor units: what an int64 holds. */
const MAX_TOTAL_MINOR = 2n ** 63n - 1n;

/** The lines at the catalogue's prices with their exact sum, or the error that says why they cannot be ordered. */
export function priceLines(lines: readonly OrderLine[], products: readonly Product[]) {
  const productById = new Map(products.map((product) => [product.id, product]));
  const items = lines.map((line, index) => priceLine(line, productById.get(line.productId), `items[${index}]`));
  const currency = items[0]?.unitPrice.currency ?? "";
  const stranger = items.findIndex((item) => item.unitPrice.currency !== currency);
  if (stranger >= 0) {
    throw new StatusError("INVALID_ARGUMENT", "the products' prices are in different currencies", {
      reason: "CURRENCY_MISMATCH",
      violations: [{ field: `items[${stranger}].product_id`, description: `is not priced in ${currency}` }],
    });
  }
  const totalMinor = items.reduce((sum, item) => sum + item.amount.minor, 0n);
  if (totalMinor > MAX_TOTAL_MINOR) {
    throw new StatusError("INVALID_ARGUMENT", "the total is larger than an order can be", {
      reason: "TOTAL_TOO_LARGE",
      violations: [{ field: "items", description: "come to more than an amount can hold" }],
    });
  }
  return { items, total: { currency, minor: totalMinor } };
}

function priceLine({ productId, quantity }: OrderLine, product: Product | undefined, field: string): OrderItem {
  if (product === undefined) {
    throw new StatusError("NOT_FOUND", `${field}.product_id names no product`, { reason: "PRODUCT_NOT_FOUND" });
  }
  if (product.state !== "ACTIVE") {
    throw new StatusError("FAILED_PRECONDITION", `${field}.product_id names a product that is not sold any more`, {
      reason: "PRODUCT_NOT_ACTIVE",
      metadata: { product_id: productId },
    });
  }
  const { sku, name, price } = product;
  const amount = { currency: price.currency, minor: price.minor * BigInt(quantity) };
  return { productId, sku, name, quantity, unitPrice: price, amount };
}

/** INVALID_ARGUMENT with a violation for every line whose product an earlier line has. */
export function assertEachProductOnce(lines: readonly OrderLine[]): void {
  const seen = new Set<string>();
  const violations: FieldViolation[] = [];
  for (const [index, { productId }] of lines.entries()) {
    if (seen.has(productId)) {
      violations.push({ field: `items[${index}].product_id`, description: "is in an earlier line already" });
    }
    seen.add(productId);
  }
  if (violations.length > 0)
    throw new StatusError("INVALID_ARGUMENT", "a product is in two lines", { reason: "VALIDATION_FAILED", violations });
}
