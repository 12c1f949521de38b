import { StatusError } from "@tenon/errors";
import type { ProvedCredentials } from "../passwords/credentials-service.ts";
import type { Role } from "../user.ts";
import { notAllowed, wrongCredentials } from "../user-errors.ts";
import {
  hashRefreshToken,
  isIssued,
  type RefreshToken,
  readRefreshToken,
  SECRET_BYTES,
  sealRefreshToken,
  succeedRefreshToken,
  writeRefreshToken,
} from "./refresh-token.ts";

/** A log-in that can still be refreshed. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  readonly derivationKey: Buffer;
  readonly tokenHash: Buffer;
  readonly previousTokenHash: Buffer | null;
  readonly createdAt: Date;
  /** When the present token was issued. */
  readonly rotatedAt: Date;
  readonly expiresAt: Date;
}

/** Where sessions are kept. */
export interface SessionRepository {
  transaction<T>(work: (sessions: SessionRepository) => Promise<T>): Promise<T>;
  /** False where the credentials, which were proved before, hold no longer. Ends the user's oldest sessions beyond `keep`. */
  insert(session: Session, proved: ProvedCredentials, options: { keep: number }): Promise<boolean>;
  /** With the role that the user has now. */
  lock(id: string): Promise<(Session & { role: Role }) | undefined>;
  rotate(session: Session): Promise<void>;
  end(id: string): Promise<void>;
  /** False where the user has no such session. */
  endOwn(id: string, userId: string): Promise<boolean>;
}

/** What a log-in or a refresh yields, before it is signed. */
export interface Grant {
  readonly sessionId: string;
  readonly userId: string;
  readonly role: Role;
  readonly refreshToken: string;
  readonly grantedAt: Date;
  /** An earlier call got the same. */
  readonly repeated: boolean;
}

export interface SessionServiceOptions {
  sessions: SessionRepository;
  now: () => Date;
  newId: () => string;
  randomBytes: (size: number) => Buffer;
  /** How long a session may be refreshed at all; by default 30 days. */
  maxAgeMs?: number;
  /** How long a session may go without a refresh; by default 7 days. */
  maxIdleMs?: number;
  /** How long a used refresh token still answers with its successor; by default 10 s. */
  retryWindowMs?: number;
  /** How many sessions a user may have: the oldest one ends for a new one; by default 100. */
  maxPerUser?: number;
}

const DAY_MS = 86_400_000;

export type SessionService = ReturnType<typeof createSessionService>;

/** The rules of sessions. */
export function createSessionService({
  sessions,
  now,
  newId,
  randomBytes,
  maxAgeMs = 30 * DAY_MS,
  maxIdleMs = 7 * DAY_MS,
  retryWindowMs = 10_000,
  maxPerUser = 100,
}: SessionServiceOptions) {
  const expiry = (createdAt: Date, at: Date) =>
    new Date(Math.min(createdAt.getTime() + maxAgeMs, at.getTime() + maxIdleMs));

  /** One use of a refresh token, in a transaction. It returns refusals, because ending a session must be kept. */
  async function exchange(token: RefreshToken, store: SessionRepository): Promise<Grant | "invalid" | "expired"> {
    const at = now();
    const session = await store.lock(token.sessionId);
    if (!session || !isIssued(token, session.derivationKey)) return "invalid";
    if (at >= session.expiresAt) return "expired";
    const hash = hashRefreshToken(token);
    const successor = succeedRefreshToken(token, session.derivationKey);
    const { id: sessionId, userId, role, rotatedAt } = session;
    const grant = { sessionId, userId, role, refreshToken: writeRefreshToken(successor) };
    if (hash.equals(session.tokenHash)) {
      const [tokenHash, expiresAt] = [hashRefreshToken(successor), expiry(session.createdAt, at)];
      await store.rotate({ ...session, tokenHash, previousTokenHash: hash, rotatedAt: at, expiresAt });
      return { ...grant, grantedAt: at, repeated: false };
    }
    const isRetry = session.previousTokenHash?.equals(hash) && at.getTime() - rotatedAt.getTime() <= retryWindowMs;
    if (isRetry) return { ...grant, grantedAt: rotatedAt, repeated: true };
    // Two hold copies of a token, and one of them is not its owner: neither may go on (RFC 9700, 4.14.2).
    await store.end(session.id);
    return "invalid";
  }

  return {
    /** Begins a session for credentials that were proved. */
    async startSession(proved: ProvedCredentials): Promise<Grant> {
      const at = now();
      const [id, derivationKey] = [newId(), randomBytes(SECRET_BYTES)];
      const token = sealRefreshToken(id, randomBytes(SECRET_BYTES), derivationKey);
      const session: Session = {
        id,
        userId: proved.userId,
        derivationKey,
        tokenHash: hashRefreshToken(token),
        previousTokenHash: null,
        createdAt: at,
        rotatedAt: at,
        expiresAt: expiry(at, at),
      };
      const started = await sessions.transaction((store) => store.insert(session, proved, { keep: maxPerUser }));
      if (!started) throw wrongCredentials();
      const { userId, role } = proved;
      return { sessionId: id, userId, role, refreshToken: writeRefreshToken(token), grantedAt: at, repeated: false };
    },

    /** Exchanges a refresh token for its successor. Any use of a used one ends the session, a retry excepted. */
    async refreshSession(refreshToken: string): Promise<Grant> {
      const token = readRefreshToken(refreshToken);
      const outcome = token ? await sessions.transaction((store) => exchange(token, store)) : "invalid";
      if (outcome === "invalid") {
        throw new StatusError("UNAUTHENTICATED", "the refresh token is not valid", { reason: "TOKEN_INVALID" });
      }
      if (outcome === "expired") {
        throw new StatusError("UNAUTHENTICATED", "the session has expired", { reason: "TOKEN_EXPIRED" });
      }
      return outcome;
    },

    /** Ends a session of this user. */
    async endSession(id: string, userId: string): Promise<void> {
      if (!(await sessions.endOwn(id, userId))) throw notAllowed();
    },
  };
}
