import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { Movement } from "../ledger/ledger.ts";
import { STEP_COLUMNS, type Tables, toWork } from "../payment-tables.ts";
import type { OurSide } from "./compare.ts";

/** What we have of the movements of money that the processor's statement is compared with. */
export interface OurSides {
  /** By reference, each of one moment. Those that we have nothing of are absent. */
  load(references: readonly string[]): Promise<ReadonlyMap<string, OurSide>>;
  /** Those of these references whose steps were compared before. */
  comparedOf(references: readonly string[]): Promise<ReadonlySet<string>>;
  /** References of steps that are settled, not compared, and begun before; the oldest first. */
  listUncompared(before: Date, limit: number): Promise<readonly string[]>;
  /** References of steps that were begun before, have no answer yet, and are not reported so; the oldest first. */
  listUnanswered(before: Date, limit: number): Promise<readonly string[]>;
  /** When the oldest step was begun that has no answer yet. */
  oldestUnansweredAt(): Promise<Date | undefined>;
  markCompared(references: readonly string[], at: Date): Promise<void>;
  /** Where the last page of the statement begins that was read. */
  cursor(): Promise<string>;
  /** False where somebody else has moved it. */
  moveCursor(from: string, to: string): Promise<boolean>;
}

/** In PostgreSQL; `db` is the database or a transaction in it. */
export function createOurSides(db: Kysely<Tables>): OurSides {
  const steps = (
    which: (row: ExpressionBuilder<Tables, "steps">) => ReturnType<ExpressionBuilder<Tables, "steps">["and"]>,
    limit: number,
  ) => db.selectFrom("steps").select(["id", "created_at"]).where(which).orderBy("created_at").limit(limit).execute();

  return {
    async load(references) {
      const rows = await db
        .selectFrom("steps")
        .innerJoin("payments", "payments.id", "steps.payment_id")
        .selectAll("payments")
        .select([...STEP_COLUMNS, "steps.created_at as step_created_at", booked])
        .where(isOneOf("steps.id", references))
        .execute();
      return new Map(
        rows.map((row) => {
          const { step, payment } = toWork(row);
          const movements = row.booked.map(([movement, currency, minor]) => ({
            movement,
            amount: { currency, minor: BigInt(minor) },
          }));
          return [step.id, { step, payment, booked: movements, createdAt: row.step_created_at }];
        }),
      );
    },

    async comparedOf(references) {
      if (references.length === 0) return new Set();
      const compared = db.selectFrom("steps").select("id").where("compared_at", "is not", null);
      const rows = await compared.where(isOneOf("id", references)).execute();
      return new Set(rows.map(({ id }) => id));
    },

    async listUncompared(before, limit) {
      const rows = await steps(
        (row) =>
          row.and([row("compared_at", "is", null), row("state", "<>", "PENDING"), row("created_at", "<=", before)]),
        limit,
      );
      return rows.map(({ id }) => id);
    },

    async listUnanswered(before, limit) {
      const rows = await steps(
        (row) => row.and([row("state", "=", "PENDING"), row("created_at", "<=", before), row.not(isReported)]),
        limit,
      );
      return rows.map(({ id }) => id);
    },

    async oldestUnansweredAt() {
      const [oldest] = await steps((row) => row.and({ state: "PENDING" }), 1);
      return oldest?.created_at;
    },

    async markCompared(references, at) {
      if (references.length === 0) return;
      await db.updateTable("steps").set({ compared_at: at }).where(isOneOf("id", references)).execute();
    },

    async cursor() {
      const { page_token } = await db.selectFrom("statement_cursor").select("page_token").executeTakeFirstOrThrow();
      return page_token;
    },

    async moveCursor(from, to) {
      const { numUpdatedRows } = await db
        .updateTable("statement_cursor")
        .set({ page_token: to })
        .where("page_token", "=", from)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}

/** One text, however many they are. */
const isOneOf = (column: string, ids: readonly string[]) => sql<boolean>`${sql.ref(column)} = any(${ids}::uuid[])`;

const isReported = sql<boolean>`exists (
  select from findings where reference = steps.id and kind = 'UNANSWERED' and resolved_at is null
)`;

/** The entries of the step: how much each moved. */
const booked = sql<[Movement, string, string][]>`(
  select coalesce(json_agg(json_build_array(movement, currency, moved::text)), '[]') from (
    select movement, currency, sum(amount_minor) filter (where amount_minor > 0) as moved
    from ledger_entries join ledger_postings on entry_id = ledger_entries.id
    where step_id = steps.id group by ledger_entries.id
  ) as entries
)`.as("booked");
