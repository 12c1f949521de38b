import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as orderv1 from "@tenon/contracts/order/v1";
import { type Once, type Paging, withSignal } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { type Call, type Handlers, type Implementation, implement } from "@tenon/grpc";
import { fromMinor, toMinor } from "@tenon/money";
import type { Kysely } from "kysely";
import type { Tables } from "../order-tables.ts";
import type { CatalogService } from "./catalog-service.ts";
import { PRODUCT_STATES, type Product, type ProductFields, type ProductState } from "./product.ts";

export interface CatalogHandlerOptions {
  db: Kysely<Tables>;
  /** The rules on a database or in a transaction of it. */
  service: (db: Kysely<Tables>) => CatalogService;
  once: Once<Tables>;
  paging: Paging;
}

export function createCatalogHandler({ db, service, once, paging }: CatalogHandlerOptions): Implementation {
  const reading = (call: Call) => service(withSignal(db, call.signal));

  return implement(orderv1.CatalogService, {
    async listProducts(request, call) {
      const filter = { state: fromWireState(request.state) };
      const list = { method: call.method.path, ...filter };
      const products = await reading(call).listProducts(filter, paging.toPage(request, list));
      return { products: products.items.map(toWire), nextPageToken: paging.toToken(products, list) };
    },

    getProduct: async ({ productId }, call) => ({ product: toWire(await reading(call).getProduct(productId)) }),

    createProduct: (request, call) =>
      once(call, request, orderv1.CreateProductResponseSchema, async (tx) => {
        const { product = create(orderv1.ProductSchema) } = request;
        const { sku, name } = product;
        const price = toMinor(product.price, { field: "product.price" });
        const fields = { sku, name, price, state: fromWireState(product.state) ?? "ACTIVE" };
        return { product: toWire(await service(tx).createProduct(fields)) };
      }),

    updateProduct: (request, call) =>
      once(call, request, orderv1.UpdateProductResponseSchema, async (tx) => {
        const { product = create(orderv1.ProductSchema), updateMask } = request;
        const change = fieldsOf(product, maskedFields(updateMask?.paths ?? []));
        const updated = await service(tx).updateProduct(product.id, change, { etag: product.etag });
        return { product: toWire(updated) };
      }),
  } satisfies Handlers<typeof orderv1.CatalogService>);
}

const FIELDS = ["name", "price", "state"] as const;
type Field = (typeof FIELDS)[number];

function fieldsOf(product: orderv1.Product, fields: readonly Field[]): Partial<ProductFields> {
  return {
    ...(fields.includes("name") && { name: product.name }),
    ...(fields.includes("price") && { price: toMinor(product.price, { field: "product.price" }) }),
    ...(fields.includes("state") && { state: fromWireState(product.state) ?? refuse("product.state", "must be set") }),
  };
}

/** The fields that a mask names; `*` names all that can be changed (AIP-134). */
function maskedFields(paths: readonly string[]): readonly Field[] {
  const unknown = paths.filter((path) => path !== "*" && !FIELDS.some((field) => field === path));
  if (paths.length === 0 || unknown.length > 0) {
    refuse("update_mask", `must name some of ${FIELDS.join(", ")}, or * for all`);
  }
  return FIELDS.filter((field) => paths.includes("*") || paths.includes(field));
}

function refuse(field: string, description: string): never {
  throw new StatusError("INVALID_ARGUMENT", `${field} ${description}`, {
    reason: "VALIDATION_FAILED",
    violations: [{ field, description }],
  });
}

const toWire = (product: Product): orderv1.Product =>
  create(orderv1.ProductSchema, {
    id: product.id,
    sku: product.sku,
    name: product.name,
    price: fromMinor(product.price),
    state: orderv1.ProductState[product.state],
    createTime: timestampFromDate(product.createdAt),
    updateTime: timestampFromDate(product.updatedAt),
    etag: String(product.version),
  });

const fromWireState = (state: orderv1.ProductState): ProductState | undefined =>
  PRODUCT_STATES.find((name) => orderv1.ProductState[name] === state);
