import { randomBytes } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import * as userv1 from "@tenon/contracts/user/v1";
import { createClient, createServer, type Interceptor, methodsOf, type Server } from "@tenon/grpc";
import { createKeySource, createTokenVerifier, standardServer } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { USER_TOKENS } from "@tenon/runtime";
import { createManualClock, createTestIssuer } from "@tenon/testing";
import { Registry } from "prom-client";
import { v4 as randomUuid } from "uuid";
import { onTestFinished } from "vitest";
import { createPasswords } from "./passwords/passwords.ts";
import { type WireUserOptions, wireUser } from "./server.ts";
import { CHEAP, PASSWORD, userDatabase } from "./user-fixture.ts";

const ADMIN = "admin@example.com";

export interface ServeUsersOptions extends Partial<Pick<WireUserOptions, "passwords" | "keyRotationMs">> {
  /** By default now, standing still: tokens are about time. */
  startAt?: Date;
}

/** The service behind the standard chain, called in memory, with an admin and all that is logged. */
export async function serveUsers({ startAt = new Date(), ...options }: ServeUsersOptions = {}) {
  const { db } = await userDatabase();
  const clock = createManualClock(startAt);
  const lines: string[] = [];
  const logger = createLogger({
    name: "user",
    level: "debug",
    destination: { write: (line) => void lines.push(line) },
  });
  const wired = wireUser({
    db,
    logger,
    secret: randomBytes(32),
    passwords: createPasswords({ cost: CHEAP }),
    now: clock.now,
    ...options,
  });
  const issuer = createTestIssuer();
  const users = createTokenVerifier({
    keys: createKeySource({ fetch: wired.fetchKeys as never, refreshAfterMs: 0, retryAfterMs: 0, now: clock.now }),
    ...USER_TOKENS,
    now: clock.now,
  });
  const server = createServer({
    services: wired.services,
    interceptors: standardServer({
      logger,
      registry: new Registry(),
      methods: methodsOf(wired.services),
      auth: { users, services: issuer.verifiers("user").services, now: clock.now },
    }),
  });
  onTestFinished(() => server.close({ graceMs: 0 }));

  const anonymous = callersOf(server);
  const as = (token: string) => callersOf(server, token);
  let people = 0;

  const admin = async () => {
    await wired.makeFirstAdmin({ email: ADMIN, passwordFile: undefined });
    await db
      .updateTable("users")
      .set({ password_hash: await adminHash() })
      .where("role", "=", "ADMIN")
      .execute();
    const { accessToken } = await anonymous.sessions.createSession({ email: ADMIN, password: PASSWORD });
    return as(accessToken);
  };

  return {
    db,
    clock,
    lines,
    wired,
    anonymous,
    as,
    admin,
    service: async (name: string) => as(await issuer.serviceToken({ name, audience: "user" })),
    /** A new user who has logged in. */
    async person(email = `person${++people}@example.com`) {
      const { user } = await anonymous.users.createUser(signUp(email));
      const session = await anonymous.sessions.createSession({ email, password: PASSWORD });
      return { id: user?.id ?? "", email, session, ...as(session.accessToken) };
    },
  };
}

export const signUp = (email: string) => ({ requestId: randomUuid(), email, password: PASSWORD, displayName: "Ada" });

const adminHash = () => createPasswords({ cost: CHEAP }).hash(PASSWORD, { field: "password" });

/** The three services as one caller sees them. */
function callersOf(server: Server, token?: string) {
  const interceptors: Interceptor[] = [
    ({ requestMetadata }) => ({
      onStart() {
        if (token !== undefined) requestMetadata.set("authorization", `Bearer ${token}`);
      },
    }),
  ];
  const client = <S extends DescService>(service: S) => createClient(service, { target: server, interceptors });
  return {
    users: client(userv1.UserService),
    sessions: client(userv1.SessionService),
    keys: client(userv1.KeyService),
  };
}

/** What a call returned, and whether an earlier one had got it already. */
export async function withTrailers<T>(
  call: (options: { onTrailers(trailers: { get(key: string): unknown[] }): void }) => Promise<T>,
) {
  let replayed: unknown[] = [];
  const result = await call({ onTrailers: (trailers) => (replayed = trailers.get("idempotent-replayed")) });
  return { result, replayed: replayed[0] === "true" };
}
