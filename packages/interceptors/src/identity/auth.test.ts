import * as orderv1 from "@tenon/contracts/order/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import {
  type Call,
  createClient,
  createContextValues,
  createMetadata,
  createServer,
  type Implementation,
  type Interceptor,
} from "@tenon/grpc";
import { expect, onTestFinished, test } from "vitest";
import { KINDS, startGreeter } from "../greeter-fixture.ts";
import { signAccessToken } from "./access-token.ts";
import { type AuthOptions, auth } from "./auth.ts";
import { createKeySource } from "./key-source.ts";
import { type Principal, principalOf } from "./principal.ts";
import { createServiceTokens } from "./service-token.ts";
import { createTestKey, keysOf, signClaims } from "./token-fixture.ts";
import { createServiceTokenVerifier, createTokenVerifier } from "./token-verifier.ts";

const key = createTestKey("key-1");
const orderKey = createTestKey("order");

const verifiers = (): Required<Pick<AuthOptions, "users" | "services">> => ({
  users: createTokenVerifier({ keys: keysOf(key), issuer: "tenon-user", audience: "tenon" }),
  services: createServiceTokenVerifier({ keys: keysOf(orderKey), audience: "user" }),
});

const userToken = (role: "user" | "admin" = "user", lifetimeSeconds = 60) =>
  signAccessToken({
    user: { id: "user-1", role, sessionId: "session-1" },
    issuer: "tenon-user",
    audience: "tenon",
    key: key.private,
    keyId: "key-1",
    issuedAt: new Date(Date.now() + (lifetimeSeconds < 0 ? lifetimeSeconds * 1000 - 60_000 : 0)),
    lifetimeSeconds: Math.abs(lifetimeSeconds),
  });

const orderToken = async () => createServiceTokens({ name: "order", key: orderKey.private }).tokenFor("user");

const bearer = (token: string) => ({ metadata: createMetadata({ authorization: `Bearer ${token}` }) });

/** A stub that answers every method with nothing, and remembers who called. */
function startUsers(interceptors: readonly Interceptor[] = [auth(verifiers())]) {
  const callers: Principal[] = [];
  const answer = async (_: unknown, call: Call) => {
    callers.push(principalOf(call));
    return {};
  };
  const stub = (service: Implementation["service"]): Implementation => ({
    service,
    handlers: Object.fromEntries(service.methods.map(({ localName }) => [localName, answer])),
  });
  const server = createServer({ services: [stub(userv1.UserService)], interceptors });
  const users = createClient(userv1.UserService, { target: server });
  const orders = createClient(orderv1.OrderService, { target: server });
  onTestFinished(async () => {
    users.close();
    orders.close();
    await server.close({ graceMs: 100 });
  });
  return { callers, users, orders };
}

const MATRIX = [
  {
    who: "nobody",
    token: async () => "",
    createUser: "OK",
    getMe: "TOKEN_MISSING",
    listUsers: "TOKEN_MISSING",
    getUser: "TOKEN_MISSING",
  },
  { who: "a user", token: () => userToken(), createUser: "OK", getMe: "OK", listUsers: "NOT_ALLOWED", getUser: "OK" },
  { who: "an admin", token: () => userToken("admin"), createUser: "OK", getMe: "OK", listUsers: "OK", getUser: "OK" },
  {
    who: "service order",
    token: orderToken,
    createUser: "OK",
    getMe: "NOT_ALLOWED",
    listUsers: "NOT_ALLOWED",
    getUser: "OK",
  },
  {
    who: "an expired token",
    token: () => userToken("user", -60),
    createUser: "TOKEN_EXPIRED",
    getMe: "TOKEN_EXPIRED",
    listUsers: "TOKEN_EXPIRED",
    getUser: "TOKEN_EXPIRED",
  },
  {
    who: "a forged token",
    token: () => signClaims(createTestKey("key-1"), { sub: "user-1" }),
    createUser: "TOKEN_INVALID",
    getMe: "TOKEN_INVALID",
    listUsers: "TOKEN_INVALID",
    getUser: "TOKEN_INVALID",
  },
];

const CODE_OF: Record<string, string> = {
  TOKEN_MISSING: "UNAUTHENTICATED",
  TOKEN_INVALID: "UNAUTHENTICATED",
  TOKEN_EXPIRED: "UNAUTHENTICATED",
  NOT_ALLOWED: "PERMISSION_DENIED",
};

for (const { who, token, ...expected } of MATRIX) {
  for (const [method, outcome] of Object.entries(expected)) {
    test(`56: ${who} calling ${method}: ${outcome}`, async () => {
      const { users, callers } = startUsers();
      const credentials = await token();
      const call = users[method as keyof typeof expected]({}, credentials === "" ? {} : bearer(credentials));
      if (outcome === "OK") {
        await call;
        expect(callers).toHaveLength(1);
        return;
      }
      await expect(call).rejects.toMatchObject({ code: CODE_OF[outcome], reason: outcome });
      expect(callers).toEqual([]);
    });
  }
}

test("the handler finds who calls", async () => {
  const { users, callers } = startUsers();
  for (const token of [await userToken(), await userToken("admin"), await orderToken()]) {
    await users.getUser({}, bearer(token));
  }
  await users.createUser({});
  expect(callers).toEqual([
    { kind: "user", id: "user-1", role: "user", sessionId: "session-1" },
    { kind: "user", id: "user-1", role: "admin", sessionId: "session-1" },
    { kind: "service", name: "order" },
    { kind: "anonymous" },
  ]);
});

for (const { kind, invoke } of KINDS) {
  test(`56: a ${kind} call is refused before a message of it is read`, async () => {
    let received = 0;
    const { greetings } = await startGreeter({
      server: [
        auth(verifiers()),
        () => ({
          onReceive: () => {
            received += 1;
          },
        }),
      ],
    });
    await expect(invoke(greetings, bearer(await userToken("user", -60)))).rejects.toMatchObject({
      reason: "TOKEN_EXPIRED",
    });
    expect(received).toBe(0);
  });

  test(`a ${kind} call with a valid token passes`, async () => {
    const { greetings } = await startGreeter({ server: [auth(verifiers())] });
    await expect(invoke(greetings, bearer(await userToken()))).resolves.toBeDefined();
  });
}

for (const [what, options] of [
  ["nobody", {}],
  ["a bad token", bearer("a.b.c")],
] as const) {
  test(`a method that does not exist stays UNIMPLEMENTED for ${what}`, async () => {
    const { orders } = startUsers();
    await expect(orders.getOrder({}, options)).rejects.toMatchObject({
      code: "UNIMPLEMENTED",
      message: "The server does not implement the method /order.v1.OrderService/GetOrder",
    });
  });
}

test("without a verifier for its kind a token is refused", async () => {
  const { users } = startUsers([auth({ users: verifiers().users })]);
  await expect(users.getUser({}, bearer(await orderToken()))).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  await users.getUser({}, bearer(await userToken()));
});

test("while no keys can be had a token is neither valid nor invalid: UNAVAILABLE", async () => {
  const keys = createKeySource({ fetch: async () => Promise.reject(new Error("issuer at 10.0.0.7 is down")) });
  const users = createTokenVerifier({ keys, issuer: "tenon-user", audience: "tenon" });
  const { users: client } = startUsers([auth({ users })]);
  await expect(client.getMe({}, bearer(await userToken()))).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: "tokens cannot be verified now",
  });
});

test("a caller that leaves while keys are fetched ends the call", async () => {
  const fetching = Promise.withResolvers<void>();
  const keys = createKeySource({
    fetch: async () => {
      fetching.resolve();
      return new Promise(() => {});
    },
    fetchTimeoutMs: 1000,
  });
  const users = createTokenVerifier({ keys, issuer: "tenon-user", audience: "tenon" });
  const { users: client, callers } = startUsers([auth({ users })]);
  const abort = new AbortController();
  const call = client.getMe({}, { ...bearer(await userToken()), signal: abort.signal });
  await fetching.promise;
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
  expect(callers).toEqual([]);
});

test("a verified token costs no second verification", async () => {
  let verifications = 0;
  const { users: verifier } = verifiers();
  const { users } = startUsers([
    auth({
      users: {
        verify(token) {
          verifications += 1;
          return verifier.verify(token);
        },
      },
    }),
  ]);
  const token = await userToken();
  for (let n = 0; n < 5; n++) await users.getMe({}, bearer(token));
  expect(verifications).toBe(1);
});

/** What `auth` says to a call of a method that is known by path alone. */
async function ask(options: AuthOptions, path: string, authorization?: string): Promise<void> {
  const [, service = "", name = ""] = path.split("/");
  const hooks = auth(options)({
    side: "server",
    method: { path, service, name, requestStream: false, responseStream: false },
    requestMetadata: createMetadata(authorization === undefined ? {} : { authorization }),
    values: createContextValues(),
  } as unknown as Call);
  await hooks.onStart?.();
}

test("rules by path or service open methods that have no contract of ours", async () => {
  const path = "/old.Service/Do";
  await expect(ask({}, path)).rejects.toMatchObject({ code: "UNIMPLEMENTED" });
  await ask({ access: { [path]: ["public"] } }, path);
  await expect(ask({ access: { "old.Service": ["admin"] } }, path)).rejects.toMatchObject({ reason: "TOKEN_MISSING" });
  expect(() => auth({ access: { "old.Service": ["boss" as never] } })).toThrow('unknown word "boss"');
});

for (const name of ["Check", "Watch", "List"]) {
  test(`health ${name} is answered for everyone, whatever token a probe carries`, async () => {
    await expect(ask({}, `/grpc.health.v1.Health/${name}`)).resolves.not.toThrow();
    await expect(ask({}, `/grpc.health.v1.Health/${name}`, "Bearer a.b.c")).resolves.not.toThrow();
  });
}

for (const version of ["v1", "v1alpha"]) {
  test(`reflection ${version} is for admins unless it is made public`, async () => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    await expect(ask(verifiers(), path)).rejects.toMatchObject({ reason: "TOKEN_MISSING" });
    await expect(ask(verifiers(), path, `Bearer ${await userToken()}`)).rejects.toMatchObject({
      reason: "NOT_ALLOWED",
    });
    await ask(verifiers(), path, `Bearer ${await userToken("admin")}`);
    await ask({ reflection: "public" }, path);
  });
}
