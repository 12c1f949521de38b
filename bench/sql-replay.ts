import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { sendStatements } from "@tenon/database/round-trip";
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { isBegin, isEnd, oneAtATime, type TracedStatement, type TracedTrip } from "./sql-trace.ts";

export interface SqlReplayOptions {
  /** What one piece of work sent. */
  trips: readonly TracedTrip[];
  /** The database of each process. */
  urls: Readonly<Record<string, string>>;
  /** Ids that stay the same from one piece of work to the next: products, users. */
  constants: ReadonlySet<string>;
  /** Text that stands for another: `EUR` for a currency of its own. */
  replaced?: Readonly<Record<string, string>>;
  /** Connections to each database; by default as many as `openDatabase` has. */
  poolSize?: number;
}

/** The same statements in the same messages as those of a piece of work, by the same driver and pools of the same size. */
export interface SqlReplay {
  /** Sends them all once, one after the other, for a new piece of work. */
  once(): Promise<void>;
  close(): Promise<void>;
}

const CLAIM_ATTEMPTS = 3;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** A pool has ended before its connections have: that a server which stops then finds some of them is no error. */
function openPool(connectionString: string | undefined, max: number): pg.Pool {
  return new pg.Pool({ connectionString, max }).on("error", () => {});
}

export function createSqlReplay(options: SqlReplayOptions): SqlReplay {
  const { trips, urls, constants, replaced = {}, poolSize = 10 } = options;
  const names = [...new Set(trips.map(({ process }) => process))];
  const pools = new Map(names.map((name) => [name, openPool(urls[name], poolSize)]));
  const startedAt = trips[0]?.at ?? 0;

  const serial = oneAtATime(trips);

  return {
    async once() {
      const substitute = createSubstitution({ constants, replaced, shiftMs: Date.now() - startedAt });
      let open: pg.PoolClient | undefined;
      let inTransaction = false;
      try {
        for (const trip of serial) {
          const pool = pools.get(trip.process);
          if (pool === undefined) throw new Error(`there is no database of ${trip.process}`);
          const client: pg.PoolClient = open ?? (await pool.connect());
          open = client;
          await send(client, trip, substitute);
          if (!isEnd(trip) && (inTransaction || isBegin(trip))) inTransaction = true;
          else {
            inTransaction = false;
            client.release();
            open = undefined;
          }
        }
      } finally {
        open?.release(true);
      }
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.end()))),
  };
}

/** Workers take what is due; from there on it is about what was taken. All that is due may be another's at this moment. */
async function send(client: pg.PoolClient, { statements }: TracedTrip, substitute: Substitution): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const sent = statements.map((statement) => ({
      sql: statement.text,
      parameters: claimOfOne(statement, statement.values.map(substitute.of)),
    }));
    const answers = await sendStatements(client, sent);
    const claims = statements.flatMap((statement, index) => {
      const [row] = answers[index]?.rows ?? [];
      return isClaim(statement) && statement.rowCount > 0
        ? [{ old: statement.key, taken: row?.id ?? row?.position }]
        : [];
    });
    if (attempt < CLAIM_ATTEMPTS && claims.some(({ taken }) => taken === undefined)) continue;
    for (const { old, taken } of claims) if (taken !== undefined) substitute.take(old, taken);
    return;
  }
}

const isClaim = ({ text }: TracedStatement) => text.includes("skip locked");

/** A worker may take several at once; a replay is one of them, and takes nothing where it took nothing. */
function claimOfOne({ text, rowCount }: TracedStatement, values: unknown[]): unknown[] {
  const limit = /limit \$(\d+)[^$]*for update skip locked/.exec(text)?.[1];
  return limit === undefined ? values : values.with(Number(limit) - 1, Math.min(1, rowCount));
}

type Substitution = ReturnType<typeof createSubstitution>;

/** New ids, keys and times for those of the trace: the same one for the same one. */
export function createSubstitution(options: {
  constants: ReadonlySet<string>;
  replaced: Readonly<Record<string, string>>;
  shiftMs: number;
}) {
  const { constants, replaced, shiftMs } = options;
  const known = new Map<string, unknown>();
  const kept = <T>(key: string, make: () => T): T => {
    if (!known.has(key)) known.set(key, make());
    return known.get(key) as T;
  };
  const newUuid = (old: string) => (old[14] === "7" ? uuidv7() : randomUUID());
  const toText = (text: string): string =>
    /^-?\d{12,}$/.test(text)
      ? kept(text, newLock)
      : (replaced[text] ?? text.replaceAll(UUID, (id) => (constants.has(id) ? id : kept(id, () => newUuid(id)))));

  function of(value: unknown): unknown {
    if (typeof value === "string") return toText(value);
    if (typeof value === "bigint") return toText(String(value));
    if (value instanceof Date) return new Date(value.getTime() + shiftMs);
    if (value instanceof Uint8Array) return kept(Buffer.from(value).toString("hex"), () => randomBytes(value.length));
    // Positions are numbers like others; where there is a list of them they are positions.
    if (Array.isArray(value)) return value.map((each) => known.get(String(each)) ?? of(each));
    return value;
  }
  return { of, take: (old: unknown, now: unknown) => void known.set(String(old), now) };
}

const newLock = () => String(randomInt(2 ** 47));
