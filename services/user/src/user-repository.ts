import { readPage, uniqueViolation } from "@tenon/database";
import { writeWithEvent } from "@tenon/events";
import type { Kysely, Selectable } from "kysely";
import type { Access, User } from "./user.ts";
import { toUserEvent } from "./user-events.ts";
import type { UserRepository } from "./user-service.ts";
import type { UserTables } from "./user-tables.ts";

const COLUMNS = ["id", "email", "display_name", "role", "state", "version", "created_at", "updated_at"] as const;

/** Users in PostgreSQL. What changes something belongs in a transaction. */
export function createUserRepository(db: Kysely<UserTables>): UserRepository {
  /** Ownership is a condition of the query: the row of another is as absent as one that never was. */
  const select = (id: string, access: Access) => {
    const byId = db.selectFrom("users").select(COLUMNS).where("id", "=", id);
    return access === "all" ? byId : byId.where("id", "=", access.ownerId);
  };

  return {
    async insert(user, passwordHash) {
      const insert = db
        .insertInto("users")
        .values({ ...toRow(user), password_hash: passwordHash, created_at: user.createdAt })
        .onConflict((conflict) => conflict.column("email_key").doNothing())
        .returning("id");
      return (await writeWithEvent(db, insert, toUserEvent(user))) !== undefined;
    },

    async find(id, access) {
      const row = await select(id, access).executeTakeFirst();
      return row && toUser(row);
    },

    async lock(id, access) {
      const row = await select(id, access).forUpdate().executeTakeFirst();
      return row && toUser(row);
    },

    async list({ state }, page) {
      const all = db.selectFrom("users").select(COLUMNS);
      const { items, lastId } = await readPage(state === undefined ? all : all.where("state", "=", state), page);
      return { items: items.map(toUser), lastId };
    },

    async update(user) {
      try {
        const update = db.updateTable("users").set(toRow(user)).where("id", "=", user.id).returning("id");
        await writeWithEvent(db, update, toUserEvent(user));
        return true;
      } catch (error) {
        // The transaction has failed now: whoever answers for it goes back to a savepoint, as `once` does.
        if (uniqueViolation(error) === "users_email_key_key") return false;
        throw error;
      }
    },

    async replacePassword(id, from, to) {
      const { numUpdatedRows } = await db
        .updateTable("users")
        .set({ password_hash: to })
        .where("id", "=", id)
        .where("password_hash", "=", from)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async hasOtherAdmin(id) {
      const active = db.selectFrom("users").select("id").where("role", "=", "ADMIN").where("state", "=", "ACTIVE");
      return (await active.where("id", "!=", id).limit(1).forShare().executeTakeFirst()) !== undefined;
    },

    async erase(user) {
      const erased = { ...toRow(user), password_hash: null };
      const update = db.updateTable("users").set(erased).where("id", "=", user.id).returning("id");
      await writeWithEvent(db, update, toUserEvent(user));
    },
  };
}

const toRow = ({ id, email, displayName, role, state, version, updatedAt }: User) => ({
  id,
  email,
  display_name: displayName,
  role,
  state,
  version,
  updated_at: updatedAt,
});

type Row = Pick<Selectable<UserTables["users"]>, (typeof COLUMNS)[number]>;

const toUser = ({ display_name, created_at, updated_at, ...same }: Row): User => ({
  ...same,
  displayName: display_name,
  createdAt: created_at,
  updatedAt: updated_at,
});
