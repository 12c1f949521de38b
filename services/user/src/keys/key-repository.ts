import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { type Kysely, sql } from "kysely";
import type { UserTables } from "../user-tables.ts";
import { toSigningKey } from "./key-file.ts";
import type { SigningKey } from "./key-ring.ts";
import { planRotation } from "./key-rotation.ts";

export interface KeyRepositoryOptions {
  db: Kysely<UserTables>;
  now: () => Date;
  rotationMs: number;
  keepMs: number;
}

// Any number that nothing else of this service locks.
const LOCK = 716_001n;

/** Signing keys in PostgreSQL, which all replicas share. Loading them also rotates them where that is due. */
export function createKeyRepository({ db, now, rotationMs, keepMs }: KeyRepositoryOptions) {
  const plan = (keys: readonly StoredKey[]) => planRotation(keys, { now: now(), rotationMs, keepMs });

  async function rotate(tx: Kysely<UserTables>): Promise<readonly StoredKey[]> {
    // One replica rotates, and the others wait and then find it done.
    await sql`select pg_advisory_xact_lock(${LOCK})`.execute(tx);
    const { add, drop } = plan(await read(tx));
    for (const signsFrom of add) await insertKey(tx, signsFrom);
    if (drop.length > 0)
      await tx
        .deleteFrom("signing_keys")
        .where("kid", "in", [...drop])
        .execute();
    return read(tx);
  }

  return {
    async load(): Promise<readonly SigningKey[]> {
      const stored = await read(db);
      const { add, drop } = plan(stored);
      return add.length + drop.length > 0 ? db.transaction().execute(rotate) : stored;
    },
  };
}

type StoredKey = SigningKey & { signsFrom: Date };

async function read(db: Kysely<UserTables>): Promise<readonly StoredKey[]> {
  const rows = await db.selectFrom("signing_keys").selectAll().orderBy("signs_from").execute();
  return Promise.all(
    rows.map(async (row) => ({
      ...(await toSigningKey({ ...row.private_jwk, kid: row.kid })),
      signsFrom: row.signs_from,
    })),
  );
}

async function insertKey(db: Kysely<UserTables>, signsFrom: Date): Promise<void> {
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }) as JWK;
  const { kid } = await toSigningKey(jwk);
  await db
    .insertInto("signing_keys")
    .values({ kid, private_jwk: JSON.stringify(jwk), signs_from: signsFrom })
    .execute();
}
