import type { Page, Paged } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { type Access, isDisplayName, isEmail, matchesEtag, type Role, type User, type UserState } from "./user.ts";
import { emailTaken, invalidField, lastAdmin, noSuchUser, notActive, wrongCredentials } from "./user-errors.ts";

/** Where users are kept. What is locked stays locked until the transaction that the repository is bound to ends. */
export interface UserRepository {
  /** False where the email has an account. */
  insert(user: User, passwordHash: string): Promise<boolean>;
  find(id: string, access: Access): Promise<User | undefined>;
  lock(id: string, access: Access): Promise<User | undefined>;
  /** The newest first. */
  list(filter: { state: UserState | undefined }, page: Page): Promise<Paged<User>>;
  /** Writes what may change of a user. False where another account has the email; nothing more can be done then. */
  update(user: User): Promise<boolean>;
  /** Sets a password where the present one is still `from`; else false. */
  replacePassword(id: string, from: string, to: string): Promise<boolean>;
  /** Whether another admin is active, who then stays so until the transaction ends. */
  hasOtherAdmin(id: string): Promise<boolean>;
  /** Writes a deleted user and forgets the password. */
  erase(user: User): Promise<void>;
}

/** The part of the sessions' storage that goes with a user. */
export interface UserSessions {
  endOfUser(userId: string, options?: { except: string }): Promise<void>;
}

/** What was answered to requests, kept for their repetitions. */
export interface StoredAnswers {
  /** Makes every answer that shows this user show the user as of now. */
  showDeleted(user: User): Promise<void>;
}

export interface UserServiceOptions {
  users: UserRepository;
  sessions: UserSessions;
  answers: StoredAnswers;
  now: () => Date;
  newId: () => string;
}

/** A sign-up that was checked, with the password hashed. */
export interface NewUser {
  readonly email: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly role?: Role;
}

/** A change of password: the hash that the old one was found to match (none: it was wrong), and that of the new one. */
export interface PasswordChange {
  readonly userId: string;
  readonly access: Access;
  readonly sessionId: string;
  readonly verifiedHash: string | undefined;
  readonly newHash: string;
}

export interface UserUpdate {
  readonly userId: string;
  readonly access: Access;
  readonly etag: string;
  /** Names of the fields to take from `values`: `email`, `display_name`, or `*` for both. */
  readonly paths: readonly string[];
  readonly values: { readonly email: string; readonly displayName: string };
}

export type UserService = ReturnType<typeof createUserService>;

/** The rules of accounts. Each method that changes something expects its repositories to share one transaction. */
export function createUserService({ users, sessions, answers, now, newId }: UserServiceOptions) {
  async function lock(id: string, access: Access): Promise<User> {
    const user = await users.lock(id, access);
    if (!user) throw noSuchUser(access);
    return user;
  }

  async function lockUndeleted(id: string, access: Access): Promise<User> {
    const user = await lock(id, access);
    if (user.state === "DELETED") throw notActive("deleted");
    return user;
  }

  /** Without an admin nobody could make another: the platform would have locked itself out. */
  async function assertDispensable(user: User): Promise<void> {
    if (user.role !== "ADMIN" || user.state !== "ACTIVE") return;
    if (!(await users.hasOtherAdmin(user.id))) throw lastAdmin();
  }

  const changed = (user: User, to: Partial<User>): User => ({
    ...user,
    ...to,
    version: user.version + 1n,
    // Clocks of replicas differ; times of one user never run backwards.
    updatedAt: new Date(Math.max(now().getTime(), user.updatedAt.getTime())),
  });

  return {
    async createUser({ email, displayName, passwordHash, role = "USER" }: NewUser): Promise<User> {
      const at = now();
      const user: User = {
        id: newId(),
        email,
        displayName,
        role,
        state: "ACTIVE",
        version: 1n,
        createdAt: at,
        updatedAt: at,
      };
      if (!(await users.insert(user, passwordHash))) throw emailTaken();
      return user;
    },

    async getUser(id: string, access: Access): Promise<User> {
      const user = await users.find(id, access);
      if (!user) throw noSuchUser(access);
      return user;
    },

    listUsers: users.list,

    async updateUser({ userId, access, etag, paths, values }: UserUpdate): Promise<User> {
      const to = assertChanges(paths, values);
      const user = await lockUndeleted(userId, access);
      if (!matchesEtag(user, etag)) {
        throw new StatusError("ABORTED", "the user has changed since: read it again", { reason: "ETAG_MISMATCH" });
      }
      const updated = changed(user, to);
      if (!(await users.update(updated))) throw emailTaken();
      return updated;
    },

    async changePassword({ userId, access, sessionId, verifiedHash, newHash }: PasswordChange): Promise<void> {
      const user = await lock(userId, access);
      if (verifiedHash === undefined) throw wrongCredentials();
      if (user.state !== "ACTIVE") throw notActive(user.state.toLowerCase());
      // Somebody else changed it between the look and now: the old one is no longer right.
      if (!(await users.replacePassword(userId, verifiedHash, newHash))) throw wrongCredentials();
      await sessions.endOfUser(userId, { except: sessionId });
    },

    async deleteUser(id: string, access: Access): Promise<void> {
      const user = await lock(id, access);
      if (user.state === "DELETED") return;
      await assertDispensable(user);
      const deleted = changed(user, { state: "DELETED", email: null, displayName: null });
      await users.erase(deleted);
      await sessions.endOfUser(id);
      // Only now: an answer to a request of this moment waits for the user's row, and is there once that is ours.
      await answers.showDeleted(deleted);
    },

    async blockUser(id: string): Promise<User> {
      const user = await lockUndeleted(id, "all");
      if (user.state === "BLOCKED") return user;
      await assertDispensable(user);
      const blocked = changed(user, { state: "BLOCKED" });
      await users.update(blocked);
      await sessions.endOfUser(id);
      return blocked;
    },

    async unblockUser(id: string): Promise<User> {
      const user = await lockUndeleted(id, "all");
      if (user.state === "ACTIVE") return user;
      const unblocked = changed(user, { state: "ACTIVE" });
      await users.update(unblocked);
      return unblocked;
    },
  };
}

/** What an update changes. Throws INVALID_ARGUMENT where the mask names nothing, or what is not the caller's to set. */
export function assertChanges(paths: readonly string[], values: UserUpdate["values"]): Partial<User> {
  const named = new Set(paths.flatMap((path) => (path === "*" ? ["email", "display_name"] : [path])));
  // The etag is a guard and changes nothing, but masks that are made from the fields sent (REST) name it.
  named.delete("etag");
  if (named.size === 0) throw invalidField("update_mask", "names no field to change");
  for (const path of named) {
    if (path !== "email" && path !== "display_name") {
      throw invalidField("update_mask", "may name email, display_name or * only");
    }
  }
  if (named.has("email") && !isEmail(values.email)) throw invalidField("user.email", "is not an email address");
  if (named.has("display_name") && !isDisplayName(values.displayName)) {
    throw invalidField("user.display_name", "needs 1 to 100 characters that can be shown", "NAME_REQUIRED");
  }
  return {
    ...(named.has("email") && { email: values.email }),
    ...(named.has("display_name") && { displayName: values.displayName }),
  };
}
