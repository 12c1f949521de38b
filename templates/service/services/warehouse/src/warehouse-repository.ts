import { readPage } from "@tenon/database";
import type { Kysely, Selectable } from "kysely";
import type { WarehouseRepository } from "./warehouse-service.ts";
import type { Access, Widget } from "./widget.ts";

interface WidgetTable {
  id: string;
  owner_id: string;
  name: string;
  created_at: Date;
}

/** The service's own tables, as migrations/ makes them. */
export interface Tables {
  widgets: WidgetTable;
}

/** Widgets in PostgreSQL, on a pool or in a transaction. */
export function createWarehouseRepository(db: Kysely<Tables>): WarehouseRepository {
  /** Ownership is a condition of the query: the row of another is as absent as one that never was. */
  const select = (access: Access) => {
    const all = db.selectFrom("widgets").selectAll();
    return access === "all" ? all : all.where("owner_id", "=", access.ownerId);
  };

  return {
    async insert({ id, ownerId, name, createdAt }) {
      await db.insertInto("widgets").values({ id, owner_id: ownerId, name, created_at: createdAt }).execute();
    },

    async find(id, access) {
      const row = await select(access).where("id", "=", id).executeTakeFirst();
      return row && toWidget(row);
    },

    async list(access, page) {
      const paged = await readPage(select(access), page);
      return { items: paged.items.map(toWidget), lastId: paged.lastId };
    },
  };
}

const toWidget = ({ id, owner_id, name, created_at }: Selectable<WidgetTable>): Widget => ({
  id,
  ownerId: owner_id,
  name,
  createdAt: created_at,
});
