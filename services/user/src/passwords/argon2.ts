import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** What a guess costs: memory in KiB, passes over it, and lanes. */
export interface Argon2Cost {
  memoryKiB: number;
  passes: number;
  parallelism: number;
}

/** What OWASP's password storage cheat sheet asks of argon2id at least; some 40 ms and 19 MiB a hash. */
export const OWASP_COST: Argon2Cost = { memoryKiB: 19_456, passes: 2, parallelism: 1 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const derive = promisify(argon2);

/** A hash that says how it was made: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>` (the PHC string format). */
export async function hashArgon2(password: string, cost: Argon2Cost): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return format(cost, salt, await digest(password, cost, salt, HASH_BYTES));
}

/** Whether the password made the hash, and whether the hash was made at this cost. Throws where the text is no such hash. */
export async function verifyArgon2(password: string, phc: string, cost: Argon2Cost) {
  const made = parse(phc);
  const hash = await digest(password, made.cost, made.salt, made.hash.length);
  return { matches: timingSafeEqual(hash, made.hash), current: phc.startsWith(format(cost)) };
}

/** A hash that no password makes (no known one, that is) and that costs as much to verify as a real one. */
export const unmatchableArgon2 = (cost: Argon2Cost): string =>
  format(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));

// Runs on libuv's threads, not on the event loop.
const digest = (password: string, cost: Argon2Cost, nonce: Buffer, tagLength: number): Promise<Buffer> =>
  derive("argon2id", {
    message: password,
    nonce,
    tagLength,
    memory: cost.memoryKiB,
    passes: cost.passes,
    parallelism: cost.parallelism,
  });

function format({ memoryKiB, passes, parallelism }: Argon2Cost, ...parts: readonly Buffer[]): string {
  const texts = parts.map((part) => part.toString("base64").replaceAll("=", ""));
  return ["$argon2id$v=19", `m=${memoryKiB},t=${passes},p=${parallelism}`, ...texts].join("$");
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z\d+/]{11,})\$([A-Za-z\d+/]{16,})$/;

function parse(phc: string) {
  const [, memory, passes, parallelism, salt, hash] = PHC.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) throw new Error("a stored password hash is not an argon2id PHC string");
  return {
    cost: { memoryKiB: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
  };
}
