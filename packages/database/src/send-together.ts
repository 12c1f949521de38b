import type { CompiledQuery, Kysely, QueryResult } from "kysely";

// biome-ignore lint/suspicious/noExplicitAny: whatever is in the database.
type Any = any;

const PARTS = new WeakMap<CompiledQuery, readonly CompiledQuery[]>();
const FOR_LATER = new WeakSet<CompiledQuery>();

/**
 * Sends statements in one round trip and resolves with the result of each. Every one of them sees what those before it did
 * and, in a transaction that reads committed rows, what others have committed by then. The first that fails is the last that
 * is executed. Outside of a transaction they are one.
 */
export async function sendTogether<Results extends readonly unknown[]>(
  on: Kysely<Any>,
  ...statements: { readonly [I in keyof Results]: CompiledQuery<Results[I]> }
): Promise<{ [I in keyof Results]: QueryResult<Results[I]> }> {
  const [first] = statements;
  if (first === undefined) throw new TypeError("there is nothing to send");
  const together: CompiledQuery = { ...first };
  PARTS.set(together, statements);
  const { rows } = await on.executeQuery(together);
  return rows as { [I in keyof Results]: QueryResult<Results[I]> };
}

/**
 * Has a statement go along with the next one of its transaction, or with the commit: for those whose result nobody reads.
 * What it throws the next one throws, and then nothing after it was executed. Rejects outside of a transaction.
 */
export async function sendWithNext(tx: Kysely<Any>, statement: CompiledQuery): Promise<void> {
  const later: CompiledQuery = { ...statement };
  FOR_LATER.add(later);
  await tx.executeQuery(later);
}

/** For the driver: the statements that are sent together as this one. */
export const partsOf = (query: CompiledQuery): readonly CompiledQuery[] | undefined => PARTS.get(query);

export const isForLater = (query: CompiledQuery): boolean => FOR_LATER.has(query);
