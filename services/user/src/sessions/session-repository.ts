import type { Kysely, Selectable } from "kysely";
import type { UserSessions } from "../user-service.ts";
import type { UserTables } from "../user-tables.ts";
import type { Session, SessionRepository } from "./session-service.ts";

/** Sessions in PostgreSQL. */
export function createSessionRepository(db: Kysely<UserTables>): SessionRepository & UserSessions {
  return {
    transaction: (work) =>
      db.isTransaction
        ? work(createSessionRepository(db))
        : db.transaction().execute((tx) => work(createSessionRepository(tx))),

    async insert(session, { userId, passwordHash, betterHash }, { keep }) {
      // Held until the session is there: whoever blocks the user or changes the password meanwhile then finds and ends it.
      const holds = await db
        .selectFrom("users")
        .select("id")
        .where("id", "=", userId)
        .where("state", "=", "ACTIVE")
        .where("password_hash", "=", passwordHash)
        .$call((query) => (betterHash === undefined ? query.forShare() : query.forUpdate()))
        .executeTakeFirst();
      if (!holds) return false;
      if (betterHash !== undefined) {
        await db.updateTable("users").set({ password_hash: betterHash }).where("id", "=", userId).execute();
      }
      await db.insertInto("sessions").values(toRow(session)).execute();
      const beyond = db.selectFrom("sessions").select("id").where("user_id", "=", userId).orderBy("id", "desc");
      await db.deleteFrom("sessions").where("id", "in", beyond.offset(keep)).execute();
      return true;
    },

    async lock(id) {
      const row = await db.selectFrom("sessions").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
      if (!row) return undefined;
      const { role } = await db
        .selectFrom("users")
        .select("role")
        .where("id", "=", row.user_id)
        .executeTakeFirstOrThrow();
      return { ...toSession(row), role };
    },

    async rotate(session) {
      await db.updateTable("sessions").set(toRow(session)).where("id", "=", session.id).execute();
    },

    async end(id) {
      await db.deleteFrom("sessions").where("id", "=", id).execute();
    },

    async endOwn(id, userId) {
      const { numDeletedRows } = await db
        .deleteFrom("sessions")
        .where("id", "=", id)
        .where("user_id", "=", userId)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },

    async endOfUser(userId, options) {
      const ofUser = db.deleteFrom("sessions").where("user_id", "=", userId);
      await (options ? ofUser.where("id", "!=", options.except) : ofUser).execute();
    },
  };
}

const toRow = (session: Session) => ({
  id: session.id,
  user_id: session.userId,
  derivation_key: session.derivationKey,
  token_hash: session.tokenHash,
  previous_token_hash: session.previousTokenHash,
  created_at: session.createdAt,
  rotated_at: session.rotatedAt,
  expires_at: session.expiresAt,
});

const toSession = (row: Selectable<UserTables["sessions"]>): Session => ({
  id: row.id,
  userId: row.user_id,
  derivationKey: row.derivation_key,
  tokenHash: row.token_hash,
  previousTokenHash: row.previous_token_hash,
  createdAt: row.created_at,
  rotatedAt: row.rotated_at,
  expiresAt: row.expires_at,
});
