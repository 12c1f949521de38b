import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { exportJWK, type JWTPayload, SignJWT } from "jose";
import { expect, test } from "vitest";
import { createTestClock, createTestKey, keysOf, signClaims } from "./token-fixture.ts";
import { createServiceTokenVerifier, createTokenVerifier } from "./token-verifier.ts";

const clock = createTestClock();
const key = createTestKey("key-1");
const orderKey = createTestKey("order");
const userKey = createTestKey("user");
const now = clock.seconds();

const users = createTokenVerifier({ keys: keysOf(key), issuer: "tenon-user", audience: "tenon", now: clock.now });
const services = createServiceTokenVerifier({ keys: keysOf(orderKey, userKey), audience: "payment", now: clock.now });

const userClaims = {
  sub: "user-1",
  role: "user",
  sid: "session-1",
  iss: "tenon-user",
  aud: "tenon",
  iat: now,
  exp: now + 900,
};
const serviceClaims = { sub: "service:order", aud: "payment", iat: now, exp: now + 300 };

const without = (claims: JWTPayload, name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

test("an access token names its user, role and session", async () => {
  expect(await users.verify(await signClaims(key, { ...userClaims, role: "admin" }))).toMatchObject({
    principal: { kind: "user", id: "user-1", role: "admin", sessionId: "session-1" },
    expiresAt: (now + 900 + 5) * 1000,
  });
});

test("a service token names its service", async () => {
  expect(await services.verify(await signClaims(orderKey, serviceClaims))).toMatchObject({
    principal: { kind: "service", name: "order" },
  });
});

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
const privateKey = createPrivateKey({ key: { ...key.private }, format: "jwk" });
const publicBytes = createPublicKey(privateKey).export({ format: "der", type: "spki" });
const hmac = (input: string) => createHmac("sha256", publicBytes).update(input).digest("base64url");
const hmacInput = `${encode({ alg: "HS256", kid: "key-1" })}.${encode(userClaims)}`;
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

const INVALID: [what: string, token: () => string | Promise<string>][] = [
  ["alg none", () => `${encode({ alg: "none", kid: "key-1" })}.${encode(userClaims)}.`],
  ["alg none in capitals", () => `${encode({ alg: "NONE", kid: "key-1" })}.${encode(userClaims)}.`],
  ["an HMAC with the public key as secret", () => `${hmacInput}.${hmac(hmacInput)}`],
  [
    "an RSA signature",
    () => new SignJWT(userClaims).setProtectedHeader({ alg: "RS256", kid: "key-1" }).sign(rsa.privateKey),
  ],
  ["another key's signature under this id", () => signClaims(createTestKey("key-1"), userClaims)],
  [
    "a key that the header brings along",
    async () => {
      const stranger = createTestKey("stranger");
      return signClaims(stranger, userClaims, { jwk: stranger.public });
    },
  ],
  ["no key id", () => signClaims(key, userClaims, { kid: undefined })],
  ["a key id that is a number", () => signClaims(key, userClaims, { kid: 1 })],
  [
    "a changed claim",
    async () => {
      const [header, , signature] = (await signClaims(key, userClaims)).split(".");
      return `${header}.${encode({ ...userClaims, role: "admin" })}.${signature}`;
    },
  ],
  [
    "a critical header nobody knows",
    () => {
      const input = `${encode({ alg: "EdDSA", kid: "key-1", crit: ["new"], new: 1 })}.${encode(userClaims)}`;
      return `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
    },
  ],
  ["another issuer", () => signClaims(key, { ...userClaims, iss: "elsewhere" })],
  ["another audience", () => signClaims(key, { ...userClaims, aud: "elsewhere" })],
  ["not yet valid", () => signClaims(key, { ...userClaims, nbf: now + 60 })],
  ["issued in the future", () => signClaims(key, { ...userClaims, iat: now + 60 })],
  ["a role nobody knows", () => signClaims(key, { ...userClaims, role: "root" })],
  ["a subject that would be a service", () => signClaims(key, { ...userClaims, sub: "service:order" })],
  ["an empty subject", () => signClaims(key, { ...userClaims, sub: "" })],
  ["a session that is a number", () => signClaims(key, { ...userClaims, sid: 7 })],
  ...Object.keys(userClaims).map((name): [string, () => Promise<string>] => [
    `no ${name}`,
    () => signClaims(key, without(userClaims, name)),
  ]),
  ["an expiry that is text", () => signClaims(key, { ...userClaims, exp: `${now + 900}` } as never)],
  ["nothing", () => ""],
  ["dots", () => ".."],
  ["five parts", () => "a.b.c.d.e"],
  ["a list for claims", () => `${encode({ alg: "EdDSA", kid: "key-1" })}.${encode([])}.AAAA`],
];

for (const [what, token] of INVALID) {
  test(`56: an access token is refused for ${what}`, async () => {
    await expect(async () => users.verify(await token())).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "TOKEN_INVALID",
      message: "the token is not valid",
    });
  });
}

const INVALID_SERVICE: [what: string, token: () => Promise<string>][] = [
  ["another service's name", () => signClaims(userKey, serviceClaims)],
  ["another callee", () => signClaims(orderKey, { ...serviceClaims, aud: "user" })],
  ["more than five minutes", () => signClaims(orderKey, { ...serviceClaims, exp: now + 301 })],
  ["being issued in the future", () => signClaims(orderKey, { ...serviceClaims, iat: now + 600, exp: now + 900 })],
  ["no time of issue", () => signClaims(orderKey, without(serviceClaims, "iat"))],
  ["a subject without service:", () => signClaims(orderKey, { ...serviceClaims, sub: "order" })],
];

for (const [what, token] of INVALID_SERVICE) {
  test(`56: a service token is refused for ${what}`, async () => {
    await expect(async () => services.verify(await token())).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });
}

test("56: an expired token is told from an invalid one, after the tolerance for clocks", async () => {
  const token = await signClaims(key, { ...userClaims, iat: now - 900, exp: now - 5 });
  await expect(async () => users.verify(token)).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    reason: "TOKEN_EXPIRED",
  });
  const justAbout = await signClaims(key, { ...userClaims, iat: now - 900, exp: now - 4 });
  expect(await users.verify(justAbout)).toMatchObject({ principal: { id: "user-1" } });
});

test("56: a token of a clock that is minutes ahead is refused until then, and the log says that clocks are apart", async () => {
  const iat = now + 120;
  const token = await signClaims(key, { ...userClaims, iat, exp: iat + 900 });
  await expect(async () => users.verify(token)).rejects.toMatchObject({
    reason: "TOKEN_INVALID",
    cause: { message: "issued in 120 s from now: clocks are apart" },
  });
  const later = createTokenVerifier({
    ...{ keys: keysOf(key), issuer: "tenon-user", audience: "tenon" },
    now: () => new Date(iat * 1000),
  });
  expect(await later.verify(token)).toMatchObject({ principal: { id: "user-1" } });
});

test("what is refused carries no claims into a log", async () => {
  const token = await signClaims(key, { ...userClaims, aud: "elsewhere", email: "canary@example.com" });
  const error = await Promise.resolve(users.verify(token)).catch((thrown: unknown) => thrown);
  expect(JSON.stringify(error, [...Object.getOwnPropertyNames(error as object), "payload", "claims"])).not.toContain(
    "canary",
  );
  expect((error as { cause: object }).cause).not.toHaveProperty("payload");
});

test("a public key with a private part is taken for its public part alone", async () => {
  const leaky = { ...key, public: { ...key.private } };
  const verifier = createTokenVerifier({
    keys: keysOf(leaky),
    issuer: "tenon-user",
    audience: "tenon",
    now: clock.now,
  });
  expect(await verifier.verify(await signClaims(key, userClaims))).toMatchObject({ principal: { id: "user-1" } });
  expect(await exportJWK((await keysOf(leaky).find("key-1")) as never)).not.toHaveProperty("d");
});
