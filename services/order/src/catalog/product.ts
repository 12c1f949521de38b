import { type FieldViolation, StatusError } from "@tenon/errors";
import type { Money } from "@tenon/money";

/** Something that can be ordered. */
export interface Product {
  readonly id: string;
  /** Stock keeping unit, unique. */
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  readonly state: ProductState;
  /** Grows by one with every change. */
  readonly version: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const PRODUCT_STATES = ["ACTIVE", "DISCONTINUED"] as const;

export type ProductState = (typeof PRODUCT_STATES)[number];

/** What an admin gives a product. */
export interface ProductFields {
  name: string;
  price: Money;
  state: ProductState;
}

/** INVALID_ARGUMENT with every violation where a product cannot be made or changed so. Absent fields are not looked at. */
export function assertProductFields(fields: Partial<ProductFields> & { sku?: string }): void {
  const violations: FieldViolation[] = [];
  const { sku, name, price } = fields;
  if (sku !== undefined && !/^[A-Z0-9-]{1,64}$/.test(sku)) {
    violations.push({ field: "product.sku", description: "must be 1 to 64 characters of A-Z, 0-9 and hyphen" });
  }
  if (name !== undefined && !isName(name)) {
    violations.push({
      field: "product.name",
      description: "must be 1 to 200 characters, none of them a control character",
    });
  }
  if (price !== undefined && price.minor <= 0n) {
    violations.push({ field: "product.price", description: "must be above zero" });
  }
  if (violations.length > 0)
    throw new StatusError("INVALID_ARGUMENT", "the product is not valid", { reason: "VALIDATION_FAILED", violations });
}

/** INVALID_ARGUMENT where it is no UUID: within a resource the contract cannot say so. */
export function assertProductId(productId: string): void {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(productId)) return;
  throw new StatusError("INVALID_ARGUMENT", "product.id must be a UUID", {
    reason: "VALIDATION_FAILED",
    violations: [{ field: "product.id", description: "must be a UUID" }],
  });
}

/** Lone surrogates and NUL, which PostgreSQL cannot store, are among what is refused. */
const isName = (name: string) => name.trim() !== "" && [...name].length <= 200 && !/[\p{Cc}\p{Cs}]/u.test(name);
