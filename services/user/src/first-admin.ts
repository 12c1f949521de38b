import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { StartError, StatusError } from "@tenon/errors";
import { type Kysely, sql } from "kysely";
import type { CredentialsService } from "./passwords/credentials-service.ts";
import { assertPassword } from "./passwords/passwords.ts";
import { isEmail } from "./user.ts";
import type { UserService } from "./user-service.ts";
import type { UserTables } from "./user-tables.ts";

export interface FirstAdminOptions {
  db: Kysely<UserTables>;
  users: (db: Kysely<UserTables>) => UserService;
  credentials: CredentialsService;
  email: string;
  passwordFile: string | undefined;
}

/** An admin that was made with a random password, which nobody can tell afterwards. */
export interface FirstAdmin {
  readonly email: string;
  readonly password: string;
}

// Any number that nothing else of this service locks.
const LOCK = 716_002n;

/**
 * Makes an admin where there is none, whichever replica comes first. Resolves with its password where that was not given:
 * to be shown, once. Rejects with a StartError where what was given cannot be used.
 */
export async function makeFirstAdmin(options: FirstAdminOptions): Promise<FirstAdmin | undefined> {
  const { db, users, credentials, email, passwordFile } = options;
  if (await hasAdmin(db)) return undefined;
  const given = await readFirstAdmin({ email, passwordFile });
  const password = given ?? randomBytes(18).toString("base64url");
  const prepared = await credentials.prepareUser({ email, displayName: "Administrator", password });
  const made = await db
    .transaction()
    .execute(async (tx) => {
      await sql`select pg_advisory_xact_lock(${LOCK})`.execute(tx);
      if (await hasAdmin(tx)) return false;
      await users(tx).createUser({ ...prepared, role: "ADMIN" });
      return true;
    })
    .catch((error: unknown) => {
      if (!(error instanceof StatusError) || error.reason !== "EMAIL_TAKEN") throw error;
      throw new StartError("ADMIN_EMAIL belongs to a user who is not an admin");
    });
  return made && given === undefined ? { email, password } : undefined;
}

/**
 * The password that is given for it; undefined where none is. Rejects with a StartError where email or password cannot be one.
 */
export async function readFirstAdmin({
  email,
  passwordFile,
}: Pick<FirstAdminOptions, "email" | "passwordFile">): Promise<string | undefined> {
  if (!isEmail(email)) throw new StartError("ADMIN_EMAIL is not an email address");
  if (passwordFile === undefined) return undefined;
  const password = await readPassword(passwordFile);
  try {
    assertPassword(password, "password");
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new StartError(`ADMIN_PASSWORD_FILE: the password in ${passwordFile} ${error.violations[0]?.description}`);
  }
  return password;
}

async function hasAdmin(db: Kysely<UserTables>): Promise<boolean> {
  const admins = db.selectFrom("users").select("id").where("role", "=", "ADMIN").where("state", "!=", "DELETED");
  return (await admins.limit(1).executeTakeFirst()) !== undefined;
}

async function readPassword(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new StartError(`ADMIN_PASSWORD_FILE: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
