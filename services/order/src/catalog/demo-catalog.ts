import type { CatalogRepository } from "./catalog-service.ts";

/** When the demo's products were made, as their ids say too; the newest is listed first. */
const CREATED_AT = new Date("2026-01-01T00:00:00Z");

/** Ids and SKUs that stay the same on every machine, for documents and first calls to name. */
const PRODUCTS: readonly (readonly [id: string, sku: string, name: string, currency: string, priceMinor: bigint])[] = [
  ["019b76da-a800-7000-8000-000000000001", "GIFT-CARD-JP", "Gift card for the shop in Kyoto", "JPY", 5000n],
  ["019b76da-a800-7000-8000-000000000002", "WORKBENCH-OAK", "Workbench, oak, with two vices", "EUR", 149_900n],
  ["019b76da-a800-7000-8000-000000000003", "GLUE-HIDE-1L", "Hide glue, one litre", "EUR", 2495n],
  ["019b76da-a800-7000-8000-000000000004", "GLOVES-M", "Work gloves, medium", "EUR", 899n],
  ["019b76da-a800-7000-8000-000000000005", "PENCIL-12", "Carpenter's pencils, a dozen", "EUR", 599n],
  ["019b76da-a800-7000-8000-000000000006", "SQUARE-TRY-20", "Try square, 20 cm", "EUR", 1850n],
  ["019b76da-a800-7000-8000-000000000007", "CLAMP-BAR-60", "Bar clamp, 60 cm", "EUR", 2290n],
  ["019b76da-a800-7000-8000-000000000008", "PLANE-BLOCK", "Block plane", "EUR", 6450n],
  ["019b76da-a800-7000-8000-000000000009", "SAW-DOVETAIL", "Dovetail saw, 15 teeth an inch", "EUR", 5990n],
  ["019b76da-a800-7000-8000-00000000000a", "MALLET-BEECH", "Joiner's mallet, beech", "EUR", 2780n],
  ["019b76da-a800-7000-8000-00000000000b", "GAUGE-MORTISE", "Mortise gauge, brass", "EUR", 3475n],
  ["019b76da-a800-7000-8000-00000000000c", "CHISEL-12", "Mortise chisel, 12 mm", "EUR", 1999n],
];

/** Adds the demo's products, those that are missing: one that was changed meanwhile stays as it is. */
export async function insertDemoCatalog(products: Pick<CatalogRepository, "insert">): Promise<void> {
  for (const [id, sku, name, currency, minor] of PRODUCTS) {
    const instants = { createdAt: CREATED_AT, updatedAt: CREATED_AT };
    await products.insert({ id, sku, name, price: { currency, minor }, state: "ACTIVE", version: 1n, ...instants });
  }
}
