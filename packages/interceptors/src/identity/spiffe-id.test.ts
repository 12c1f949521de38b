import * as userv1 from "@tenon/contracts/user/v1";
import { type Call, createClient, createMetadata, createServer } from "@tenon/grpc";
import { createTestAuthority, createTestIssuer } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { auth } from "./auth.ts";
import { type Principal, principalOf } from "./principal.ts";
import { type SpiffeOptions, spiffeReader } from "./spiffe-id.ts";

const authority = createTestAuthority();
const server = authority.issue(["127.0.0.1"]);
const ca = authority.cert;
const issuer = createTestIssuer();
const ORDER: Principal = { kind: "service", name: "order" };

/** Asks a server over TLS for GetUser (user, admin, service:order), GetMe (user) or CreateUser (public): who called, or why not. */
async function ask(
  method: "getUser" | "getMe" | "createUser",
  { names, headers = {}, spiffe = { trustDomain: "tenon" } }: Asked,
): Promise<Principal | string> {
  const answer = async (_: unknown, call: Call) => ({ user: { displayName: JSON.stringify(principalOf(call)) } });
  const { methods } = userv1.UserService;
  const handlers = Object.fromEntries(methods.map(({ localName }) => [localName, answer]));
  const users = createServer({
    services: [{ service: userv1.UserService, handlers }],
    interceptors: [auth({ ...issuer.verifiers("user"), ...(spiffe && { spiffe }) })],
    tls: { ...server, ca, clientCertificate: "optional" },
  });
  const port = await users.listen({ host: "127.0.0.1", port: 0 });
  const tls = { ca, ...(names && authority.issue(names)) };
  const client = createClient(userv1.UserService, { target: `127.0.0.1:${port}`, tls });
  onTestFinished(async () => {
    client.close();
    await users.close({ graceMs: 0 });
  });
  return client[method]({}, { metadata: createMetadata(headers), timeoutMs: 5000 }).then(
    ({ user }) => JSON.parse(user?.displayName ?? ""),
    ({ reason, code }) => reason ?? code,
  );
}

interface Asked {
  /** Of the client's certificate; none without. */
  names?: string[];
  headers?: Record<string, string>;
  spiffe?: SpiffeOptions | false;
}

const SELF_DECLARED = {
  "x-forwarded-client-cert": "URI=spiffe://tenon/order",
  "x-spiffe-id": "spiffe://tenon/order",
  "x-service": "order",
};

for (const [what, asked, expected] of [
  ["its id in our trust domain", { names: ["spiffe://tenon/order"] }, ORDER],
  ["its id beside DNS names", { names: ["order.example", "spiffe://tenon/order"] }, ORDER],
  ["the id of another service", { names: ["spiffe://tenon/payment"] }, "NOT_ALLOWED"],
  ["an id of another trust domain", { names: ["spiffe://evil/order"] }, "TOKEN_MISSING"],
  ["an id of a domain that begins like ours", { names: ["spiffe://tenon.evil/order"] }, "TOKEN_MISSING"],
  ["an id below another path", { names: ["spiffe://tenon/ns/evil/sa/order"] }, "TOKEN_MISSING"],
  ["an id that says more than a service", { names: ["spiffe://tenon/order/admin"] }, "TOKEN_MISSING"],
  ["the id in letters of another case", { names: ["spiffe://tenon/Order"] }, "TOKEN_MISSING"],
  ["no URI name", { names: ["order", "order.tenon"] }, "TOKEN_MISSING"],
  ["two ids", { names: ["spiffe://tenon/order", "spiffe://tenon/payment"] }, "TOKEN_MISSING"],
  ["the same id twice", { names: ["spiffe://tenon/order", "spiffe://tenon/order"] }, "TOKEN_MISSING"],
  ["no certificate", {}, "TOKEN_MISSING"],
  ["headers that say so, and no certificate", { headers: SELF_DECLARED }, "TOKEN_MISSING"],
  [
    "headers that say so, and another's certificate",
    { names: ["spiffe://tenon/payment"], headers: SELF_DECLARED },
    "NOT_ALLOWED",
  ],
  ["its id, where certificates name nobody", { names: ["spiffe://tenon/order"], spiffe: false }, "TOKEN_MISSING"],
] as const satisfies [string, Asked, Principal | string][]) {
  test(`a method of service:order, called with ${what}`, async () => {
    expect(await ask("getUser", asked)).toEqual(expected);
  });
}

test("below a path that is given, and nowhere else", async () => {
  const spiffe = { trustDomain: "cluster.local", path: "/ns/shop/sa" };
  expect(await ask("getUser", { names: ["spiffe://cluster.local/ns/shop/sa/order"], spiffe })).toEqual(ORDER);
  expect(await ask("getUser", { names: ["spiffe://cluster.local/order"], spiffe })).toBe("TOKEN_MISSING");
});

test("a service that calls with a user's token calls for him, with his rights", async () => {
  const names = ["spiffe://tenon/order"];
  const authorization = `Bearer ${await issuer.userToken({ id: "user-1" })}`;
  expect(await ask("getMe", { names })).toBe("NOT_ALLOWED");
  for (const method of ["getMe", "getUser"] as const) {
    expect(await ask(method, { names, headers: { authorization } })).toMatchObject({ kind: "user", id: "user-1" });
  }
});

test("a token that does not hold is not made good by a certificate", async () => {
  const headers = { authorization: "Bearer a.b.c" };
  expect(await ask("getUser", { names: ["spiffe://tenon/order"], headers })).toBe("TOKEN_INVALID");
});

test("public methods know the service too, and take a stranger for nobody", async () => {
  expect(await ask("createUser", { names: ["spiffe://tenon/order"] })).toEqual(ORDER);
  expect(await ask("createUser", { names: ["spiffe://evil/order"] })).toEqual({ kind: "anonymous" });
});

for (const [name, options] of [
  ["spiffe.trustDomain", { trustDomain: "" }],
  ["spiffe.trustDomain", { trustDomain: "spiffe://tenon" }],
  ["spiffe.trustDomain", { trustDomain: "Tenon" }],
  ["spiffe.path", { trustDomain: "tenon", path: "ns/shop" }],
  ["spiffe.path", { trustDomain: "tenon", path: "/ns/" }],
] as const) {
  test(`${JSON.stringify(options)} is refused at the start, by name`, () => {
    expect(() => spiffeReader(options)).toThrow(`auth: ${name} "`);
  });
}
