import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

export interface ScramVerifierOptions {
  /** By default random. */
  salt?: Uint8Array;
  /** By default as many as PostgreSQL takes. */
  iterations?: number;
}

/**
 * What PostgreSQL stores of a password (RFC 5803), for `alter role ... password '<verifier>'`: the password itself then
 * never reaches the server. For passwords of ASCII characters, which SASLprep leaves as they are.
 */
export function toScramVerifier(password: string, options: ScramVerifierOptions = {}): string {
  const { salt = randomBytes(16), iterations = 4096 } = options;
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString("base64")}$${storedKey}:${serverKey}`;
}
