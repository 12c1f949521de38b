import { invalidField } from "../user-errors.ts";
import { type Argon2Cost, hashArgon2, OWASP_COST, unmatchableArgon2, verifyArgon2 } from "./argon2.ts";
import type { Passwords } from "./credentials-service.ts";
import { createWorkQueue, type WorkQueue } from "./work-queue.ts";

export interface PasswordsOptions {
  /** By default OWASP's. Hashes of another cost still hold, and are made anew when their owner next logs in. */
  cost?: Argon2Cost;
  /** By default two at once: they run on libuv's four threads, where files and names need some too. */
  queue?: WorkQueue;
}

/** Password hashing by argon2id, off the event loop, bounded. */
export function createPasswords({
  cost = OWASP_COST,
  queue = createWorkQueue({ concurrency: 2 }),
}: PasswordsOptions = {}): Passwords {
  const unmatchable = unmatchableArgon2(cost);
  return {
    async hash(password, { field, signal }) {
      const prepared = preparePassword(password);
      assertPrepared(prepared, field);
      return queue.run(() => hashArgon2(prepared, cost), signal);
    },

    verify(password, hash, { signal }) {
      const prepared = preparePassword(password);
      return queue.run(async () => {
        const { matches, current } = await verifyArgon2(prepared, hash ?? unmatchable, cost);
        if (!matches || hash === undefined) return { matches: false };
        return { matches: true, ...(!current && { betterHash: await hashArgon2(prepared, cost) }) };
      }, signal);
    },
  };
}

/**
 * The same characters make the same password, whichever keyboard typed them: RFC 8265's OpaqueString, that is NFC, and
 * every space the ASCII one. Not NFKC, which would take different passwords for the same.
 */
export const preparePassword = (text: string): string => text.replaceAll(/\p{Zs}/gu, " ").normalize("NFC");

const MIN_LENGTH = 12;
const MAX_LENGTH = 128;

/** Throws INVALID_ARGUMENT, naming `field`, where the password cannot be one. */
export const assertPassword = (password: string, field: string): void =>
  assertPrepared(preparePassword(password), field);

function assertPrepared(prepared: string, field: string) {
  const { length } = [...prepared];
  if (length < MIN_LENGTH || length > MAX_LENGTH) throw invalidField(field, "needs 12 to 128 characters");
  if (/\p{Cc}/u.test(prepared)) throw invalidField(field, "may not hold control characters");
}
