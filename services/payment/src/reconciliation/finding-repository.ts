import { readPage } from "@tenon/database";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Tables } from "../payment-tables.ts";
import type { Finding, FindingStore } from "./finding.ts";

/** Findings in PostgreSQL; `db` is the database or a transaction in it. */
export function createFindingStore(db: Kysely<Tables>): FindingStore {
  const open = () => db.selectFrom("findings").where("resolved_at", "is", null);

  return {
    async add({ paymentId, createdAt, resolvedAt, ...same }) {
      const { id } = await db
        .insertInto("findings")
        .values({
          ...same,
          payment_id: paymentId,
          created_at: createdAt,
          looked_at: createdAt,
          resolved_at: resolvedAt,
        })
        .onConflict((conflict) =>
          conflict
            .columns(["reference", "kind"])
            .where("resolved_at", "is", null)
            .doUpdateSet({ looked_at: createdAt, description: same.description }),
        )
        .returning("id")
        .executeTakeFirstOrThrow();
      return id === same.id;
    },

    async resolve(id, action, at) {
      const { numUpdatedRows } = await db
        .updateTable("findings")
        .set({ action, resolved_at: at })
        .where("id", "=", id)
        .where("resolved_at", "is", null)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },

    async openOf(references) {
      const rows = await open().selectAll().where(sql<boolean>`reference = any(${references}::uuid[])`).execute();
      return rows.map(toFinding);
    },

    async listDue(before, limit) {
      const rows = await open()
        .select("reference")
        .where("looked_at", "<", before)
        .orderBy("looked_at")
        .limit(limit)
        .execute();
      return [...new Set(rows.map(({ reference }) => reference))];
    },

    async list(page, { isOpen }) {
      const all = db.selectFrom("findings").selectAll();
      const query = isOpen === undefined ? all : all.where("resolved_at", isOpen ? "is" : "is not", null);
      const { items, lastId } = await readPage(query, page);
      return { items: items.map(toFinding), lastId };
    },

    async countOpen() {
      const rows = await open()
        .select(["kind", ({ fn }) => fn.countAll<bigint>().as("count")])
        .groupBy("kind")
        .execute();
      return new Map(rows.map(({ kind, count }) => [kind, Number(count)]));
    },
  };
}

const toFinding = (row: Selectable<Tables["findings"]>): Finding => ({
  id: row.id,
  kind: row.kind,
  reference: row.reference,
  paymentId: row.payment_id,
  description: row.description,
  action: row.action,
  createdAt: row.created_at,
  resolvedAt: row.resolved_at,
});
