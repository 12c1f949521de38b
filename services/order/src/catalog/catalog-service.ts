import type { Page, Paged } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import {
  assertProductFields,
  assertProductId,
  type Product,
  type ProductFields,
  type ProductState,
} from "./product.ts";

/** The storage of products that the rules need. */
export interface CatalogRepository {
  /** False where a product has the SKU already. */
  insert(product: Product): Promise<boolean>;
  find(productId: string): Promise<Product | undefined>;
  findAll(productIds: readonly string[]): Promise<Product[]>;
  /** The newest first. */
  list(filter: ProductFilter, page: Page): Promise<Paged<Product>>;
  /** Changes one product, where an etag is given only if it still has that one. Undefined where nothing was changed. */
  update(productId: string, change: Partial<ProductFields>, when: UpdateCondition): Promise<Product | undefined>;
}

export interface ProductFilter {
  /** Undefined: any. */
  readonly state: ProductState | undefined;
}

export interface UpdateCondition {
  etag: string | undefined;
  updatedAt: Date;
}

export interface CatalogServiceOptions {
  products: CatalogRepository;
  now: () => Date;
  newId: () => string;
}

export type CatalogService = ReturnType<typeof createCatalogService>;

/** The rules of the catalogue. */
export function createCatalogService({ products, now, newId }: CatalogServiceOptions) {
  async function getProduct(productId: string): Promise<Product> {
    const product = await products.find(productId);
    if (product === undefined) {
      throw new StatusError("NOT_FOUND", "there is no such product", { reason: "PRODUCT_NOT_FOUND" });
    }
    return product;
  }

  return {
    getProduct,

    listProducts: (filter: ProductFilter, page: Page): Promise<Paged<Product>> => products.list(filter, page),

    async createProduct(fields: ProductFields & { sku: string }): Promise<Product> {
      assertProductFields(fields);
      const createdAt = now();
      const product = { ...fields, id: newId(), version: 1n, createdAt, updatedAt: createdAt };
      if (!(await products.insert(product))) {
        throw new StatusError("ALREADY_EXISTS", "another product has this SKU", { reason: "SKU_TAKEN" });
      }
      return product;
    },

    /** Changes what is there, if it is still what `etag` names; without an etag, or with `*`, whatever is there. */
    async updateProduct(
      productId: string,
      change: Partial<ProductFields>,
      { etag }: { etag: string },
    ): Promise<Product> {
      assertProductId(productId);
      assertProductFields(change);
      const updated = await products.update(productId, change, { etag: toCondition(etag), updatedAt: now() });
      if (updated !== undefined) return updated;
      await getProduct(productId);
      throw new StatusError("ABORTED", "the product has changed since it was read", { reason: "ETAG_MISMATCH" });
    },
  };
}

const toCondition = (etag: string) => (etag === "" || etag === "*" ? undefined : etag);
