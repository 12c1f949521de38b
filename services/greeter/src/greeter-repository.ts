import { type Generated, type Kysely, sql } from "kysely";
import type { GreeterRepository } from "./greeting-service.ts";

interface RecordedNamesTable {
  id: Generated<bigint>;
  name: string;
  recorded_at: Date;
}

export interface Tables {
  recorded_names: RecordedNamesTable;
}

/** Recorded names in PostgreSQL. */
export function createGreeterRepository(db: Kysely<Tables>): GreeterRepository {
  return {
    // One statement, and so one transaction, with one parameter for all names.
    async record(names, recordedAt) {
      await sql`
        insert into recorded_names (name, recorded_at)
        select name, ${recordedAt} from unnest(${[...names]}::text[]) with ordinality as given (name, position)
        order by position
      `.execute(db);
    },

    listLatest({ limit, before }) {
      const names = db.selectFrom("recorded_names").select(["id", "name"]);
      const older = before === undefined ? names : names.where("id", "<", before);
      return older.orderBy("id", "desc").limit(limit).execute();
    },
  };
}
