import { type Kysely, sql } from "kysely";
import type { UserTables } from "../user-tables.ts";
import type { CredentialsRepository } from "./credentials-service.ts";

/** Password hashes in PostgreSQL: read here and nowhere else. */
export function createCredentialsRepository(db: Kysely<UserTables>): CredentialsRepository {
  const select = () => db.selectFrom("users").select(["id", "role", "state", "password_hash"]);
  const toCredentials = (row: Awaited<ReturnType<ReturnType<typeof select>["executeTakeFirst"]>>) =>
    row && { userId: row.id, role: row.role, state: row.state, passwordHash: row.password_hash ?? undefined };

  return {
    async findByEmail(email) {
      const key = sql<string>`lower(${email}::text collate "C")`;
      return toCredentials(await select().where("email_key", "=", key).executeTakeFirst());
    },

    async findById(id, access) {
      const byId = select().where("id", "=", id);
      const own = access === "all" ? byId : byId.where("id", "=", access.ownerId);
      return toCredentials(await own.executeTakeFirst());
    },
  };
}
