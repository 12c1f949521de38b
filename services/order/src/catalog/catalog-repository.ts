import { readPage } from "@tenon/database";
import { type Kysely, type Selectable, sql } from "kysely";
import type { ProductTable, Tables } from "../order-tables.ts";
import type { CatalogRepository } from "./catalog-service.ts";
import type { Product } from "./product.ts";

/** Products in PostgreSQL, on a pool or in a transaction. */
export function createCatalogRepository(db: Kysely<Tables>): CatalogRepository {
  return {
    async insert(product) {
      const row = {
        id: product.id,
        sku: product.sku,
        name: product.name,
        currency: product.price.currency,
        price_minor: product.price.minor,
        state: product.state,
        version: product.version,
        created_at: product.createdAt,
        updated_at: product.updatedAt,
      };
      // A conflict must not fail the transaction, in which the refusal is stored.
      const inserted = await db
        .insertInto("products")
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return inserted.numInsertedOrUpdatedRows === 1n;
    },

    async find(productId) {
      const row = await db.selectFrom("products").selectAll().where("id", "=", productId).executeTakeFirst();
      return row && toProduct(row);
    },

    async findAll(productIds) {
      const rows = await db
        .selectFrom("products")
        .selectAll()
        .where(sql<boolean>`id = any(${productIds}::uuid[])`)
        .execute();
      return rows.map(toProduct);
    },

    async list({ state }, page) {
      const products = db.selectFrom("products").selectAll();
      const { items, lastId } = await readPage(state ? products.where("state", "=", state) : products, page);
      return { items: items.map(toProduct), lastId };
    },

    async update(productId, { name, price, state }, { etag, updatedAt }) {
      const row = await db
        .updateTable("products")
        .set({
          ...(name !== undefined && { name }),
          ...(price !== undefined && { currency: price.currency, price_minor: price.minor }),
          ...(state !== undefined && { state }),
          version: sql`version + 1`,
          updated_at: sql`greatest(updated_at, ${updatedAt})`,
        })
        .where("id", "=", productId)
        .$if(etag !== undefined, (query) => query.where(sql`version::text`, "=", etag))
        .returningAll()
        .executeTakeFirst();
      return row && toProduct(row);
    },
  };
}

const toProduct = (row: Selectable<ProductTable>): Product => ({
  id: row.id,
  sku: row.sku,
  name: row.name,
  price: { currency: row.currency, minor: row.price_minor },
  state: row.state,
  version: row.version,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
