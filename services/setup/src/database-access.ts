import { randomBytes } from "node:crypto";
import { toScramVerifier } from "./scram-verifier.ts";
import { readIfThere, writeWhole } from "./whole-file.ts";

export interface DatabaseAccessOptions {
  /** The role's name, and its database's. */
  role: string;
  /** Where PostgreSQL is, as `postgres:5432`. */
  address: string;
  /** For the service, as `node --env-file` reads it: DATABASE_URL with the password. For its owner only. */
  envFile: string;
  /** For PostgreSQL: what it checks the password by. The password does not follow from it. */
  verifierFile: string;
}

/**
 * Gives a service a password of its own for its database. One that is there is kept. Rejects with the system's error
 * where it cannot write.
 */
export async function makeDatabaseAccess(options: DatabaseAccessOptions): Promise<void> {
  const { role, address, envFile, verifierFile } = options;
  const present = await readIfThere(envFile);
  const kept = passwordOf(present);
  const password = kept ?? randomBytes(24).toString("base64url");
  // First: whoever finds the password finds its verifier.
  if (kept === undefined || (await readIfThere(verifierFile)) === "") {
    await writeWhole(verifierFile, toScramVerifier(password), { mode: 0o644 });
  }
  const line = `DATABASE_URL=postgres://${role}:${password}@${address}/${role}`;
  if (present !== `${line}\n`) await writeWhole(envFile, line);
}

const passwordOf = (text: string): string | undefined =>
  /^DATABASE_URL=postgres:\/\/[^:/@]+:([\w-]{32})@[^/@]+\/[^/]+\n$/.exec(text)?.[1];
