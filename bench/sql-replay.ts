import { randomBytes, randomInt, randomUUID } from "node:crypto";
import pg from "pg";
import { v7 as uuidv7 } from "uuid";
import { oneAtATime, type TracedStatement } from "./sql-trace.ts";

export interface SqlReplayOptions {
  /** What one piece of work sent. */
  statements: readonly TracedStatement[];
  /** The database of each process. */
  urls: Readonly<Record<string, string>>;
  /** Ids that stay the same from one piece of work to the next: products, users. */
  constants: ReadonlySet<string>;
  /** Text that stands for another: `EUR` for a currency of its own. */
  replaced?: Readonly<Record<string, string>>;
  /** Connections to each database; by default as many as `openDatabase` has. */
  poolSize?: number;
}

/** The same statements as those of a piece of work, by the same driver and pools of the same size, and nothing else. */
export interface SqlReplay {
  /** Sends them all once, one after the other, for a new piece of work. */
  once(): Promise<void>;
  close(): Promise<void>;
}

const CLAIM_ATTEMPTS = 3;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

export function createSqlReplay(options: SqlReplayOptions): SqlReplay {
  const { statements, urls, constants, replaced = {}, poolSize = 10 } = options;
  const names = [...new Set(statements.map(({ process }) => process))];
  const pools = new Map(names.map((name) => [name, new pg.Pool({ connectionString: urls[name], max: poolSize })]));
  const startedAt = statements[0]?.at ?? 0;

  const serial = oneAtATime(statements);

  return {
    async once() {
      const substitute = createSubstitution({ constants, replaced, shiftMs: Date.now() - startedAt });
      let open: pg.PoolClient | undefined;
      try {
        for (const { process, text, values, key } of serial) {
          const pool = pools.get(process);
          if (pool === undefined) throw new Error(`there is no database of ${process}`);
          if (text.startsWith("begin")) open = await pool.connect();
          const isClaim = text.includes("skip locked");
          const sent = claimOfOne(text, values.map(substitute.of));
          const { rows } = await send(open ?? pool, text, sent, isClaim);
          // Workers take what is due: from here on it is about what was taken.
          const taken = rows[0]?.id ?? rows[0]?.position;
          if (isClaim && taken !== undefined) substitute.take(key, taken);
          if (text !== "commit" && text !== "rollback") continue;
          open?.release();
          open = undefined;
        }
      } finally {
        open?.release(true);
      }
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.end()))),
  };
}

async function send(on: pg.Pool | pg.PoolClient, text: string, values: unknown[], isClaim: boolean) {
  for (let attempt = 1; ; attempt++) {
    const result = await on.query(text, values);
    // All that is due may be another's at this moment.
    if (!isClaim || result.rows.length > 0 || attempt === CLAIM_ATTEMPTS) return result;
  }
}

/** A worker may take several at once; a replay is one of them. */
function claimOfOne(text: string, values: unknown[]): unknown[] {
  const limit = /limit \$(\d+)[^$]*for update skip locked/.exec(text)?.[1];
  return limit === undefined ? values : values.with(Number(limit) - 1, 1);
}

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
