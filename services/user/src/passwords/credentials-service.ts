import { type Access, isDisplayName, isEmail, type Role, type UserState } from "../user.ts";
import { invalidField, noSuchUser, notActive, wrongCredentials } from "../user-errors.ts";
import type { NewUser } from "../user-service.ts";
import type { GuessLimiter } from "./guess-limiter.ts";

/** Hashes and checks passwords: slow on purpose, so never while a transaction is open. */
export interface Passwords {
  /** Throws INVALID_ARGUMENT, naming `field`, where the password cannot be one. */
  hash(password: string, options: { field: string; signal?: AbortSignal }): Promise<string>;
  /** The same work whether there is a hash or not. */
  verify(password: string, hash: string | undefined, options: { signal?: AbortSignal }): Promise<Verification>;
}

export interface Verification {
  readonly matches: boolean;
  /** A hash of the same password by today's parameters, where the present one is by older ones. */
  readonly betterHash?: string;
}

export interface CredentialsRepository {
  findByEmail(email: string): Promise<Credentials | undefined>;
  findById(id: string, access: Access): Promise<Credentials | undefined>;
}

export interface Credentials {
  readonly userId: string;
  readonly role: Role;
  readonly state: UserState;
  /** Undefined once DELETED. */
  readonly passwordHash: string | undefined;
}

/** A log-in that proved itself: with which hash, and by which to replace it. */
export interface ProvedCredentials {
  readonly userId: string;
  readonly role: Role;
  readonly passwordHash: string;
  readonly betterHash?: string;
}

export interface CredentialsServiceOptions {
  credentials: CredentialsRepository;
  passwords: Passwords;
  /** By default passwords may be guessed without end. */
  guesses?: GuessLimiter | undefined;
}

export type CredentialsService = ReturnType<typeof createCredentialsService>;

/** Everything about passwords that takes long, to be done before the transaction that uses the result. */
export const createCredentialsService = ({ credentials, passwords, guesses }: CredentialsServiceOptions) => ({
  /** Checks a sign-up and hashes its password. INVALID_ARGUMENT; RESOURCE_EXHAUSTED where too many hashes wait. */
  async prepareUser(
    { email, displayName, password }: { email: string; displayName: string; password: string },
    signal?: AbortSignal,
  ): Promise<NewUser> {
    if (!isEmail(email)) throw invalidField("email", "is not an email address");
    if (!isDisplayName(displayName)) {
      throw invalidField("display_name", "needs 1 to 100 characters that can be shown", "NAME_REQUIRED");
    }
    return { email, displayName, passwordHash: await passwords.hash(password, { field: "password", ...on(signal) }) };
  },

  /** Checks the old password and hashes the new one; whether it was right is part of the result. */
  async prepareChange(
    change: { userId: string; access: Access; oldPassword: string; newPassword: string },
    signal?: AbortSignal,
  ): Promise<{ verifiedHash: string | undefined; newHash: string }> {
    const present = await credentials.findById(change.userId, change.access);
    if (!present) throw noSuchUser(change.access);
    const newHash = await passwords.hash(change.newPassword, { field: "new_password", ...on(signal) });
    const { matches } = await passwords.verify(change.oldPassword, present.passwordHash, on(signal));
    return { verifiedHash: matches ? present.passwordHash : undefined, newHash };
  },

  /**
   * Proves an email and a password. RESOURCE_EXHAUSTED where there were too many wrong ones for this email. Whether it is the
   * email or the password that is wrong shows neither in words nor in time.
   */
  async prove(
    { email, password }: { email: string; password: string },
    signal?: AbortSignal,
  ): Promise<ProvedCredentials> {
    const guessAt = async (address: string) => {
      await guesses?.take(address);
      return credentials.findByEmail(address);
    };
    const found = isEmail(email) ? await guessAt(email) : undefined;
    const { matches, betterHash } = await passwords.verify(password, found?.passwordHash, on(signal));
    if (!matches || found?.passwordHash === undefined) throw wrongCredentials();
    await guesses?.forget(email);
    if (found.state !== "ACTIVE") throw notActive(found.state.toLowerCase());
    const { userId, role, passwordHash } = found;
    return { userId, role, passwordHash, ...(betterHash !== undefined && { betterHash }) };
  },
});

const on = (signal: AbortSignal | undefined) => (signal ? { signal } : {});
