import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import { createServiceTokens, signAccessToken } from "@tenon/interceptors";
import { expect, onTestFinished, test } from "vitest";
import { createAuth, USER_TOKENS } from "./service-auth.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const privateJwk = { ...privateKey.export({ format: "jwk" }), kid: "order" };
const publicJwk = { ...publicKey.export({ format: "jwk" }), kid: "order", alg: "EdDSA" };

test("a service proves itself to the callee that it names", async () => {
  const files = write({ key: privateJwk, jwks: { keys: [publicJwk] } });
  const order = createAuth({ config: config({ SERVICE_KEY_FILE: files.key }), name: "order" });
  const payment = createAuth({ config: config({ SERVICE_JWKS_FILE: files.jwks }), name: "payment" });
  const { tokens, audience } = order.identityFor("payment") ?? {};
  const token = (await tokens?.tokenFor(audience ?? "")) ?? "";
  expect(await payment.server.services?.verify(token)).toMatchObject({ principal: { kind: "service", name: "order" } });
});

test("a token for another callee is refused", async () => {
  const files = write({ jwks: { keys: [publicJwk] } });
  const user = createAuth({ config: config({ SERVICE_JWKS_FILE: files.jwks }), name: "user" });
  const token = await createServiceTokens({ name: "order", key: privateJwk as never }).tokenFor("payment");
  await expect(user.server.services?.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("a user's token is verified with the keys that are fetched", async () => {
  let fetches = 0;
  const auth = createAuth({
    config: config({}),
    name: "order",
    fetchKeys: async () => {
      fetches += 1;
      return { keys: [publicJwk] };
    },
  });
  expect(fetches).toBe(0);
  const user = { id: "u1", role: "admin", sessionId: "s1" } as const;
  const token = await signAccessToken({
    user,
    ...USER_TOKENS,
    key: privateKey,
    keyId: "order",
    issuedAt: new Date(),
    lifetimeSeconds: 60,
  });
  expect(await auth.server.users?.verify(token)).toMatchObject({ principal: { kind: "user", ...user } });
});

test("while no keys can be had it is nobody's fault but ours: UNAVAILABLE", async () => {
  const auth = createAuth({ config: config({}), name: "order", fetchKeys: () => Promise.reject(new Error("down")) });
  const token = await signAccessToken({
    user: { id: "u1", role: "user", sessionId: "s1" },
    ...USER_TOKENS,
    key: privateKey,
    keyId: "order",
    issuedAt: new Date(),
    lifetimeSeconds: 60,
  });
  await expect(auth.server.users?.verify(token)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("without files and keys nobody's token is accepted, and there is no proof to show", () => {
  const auth = createAuth({ config: config({}), name: "order" });
  expect(auth.server).not.toHaveProperty("users");
  expect(auth.server).not.toHaveProperty("services");
  expect(() => auth.identityFor("payment")).toThrow(
    /^neither SERVICE_KEY_FILE nor TLS_CERT_FILE is set, .*order .*payment$/,
  );
});

for (const [REFLECTION, rule] of [
  ["public", "public"],
  ["admin", "admin"],
  ["off", "public"],
] as const) {
  test(`reflection that is ${REFLECTION} is for ${rule}`, () => {
    expect(createAuth({ config: { ...config({}), REFLECTION }, name: "order" }).server.reflection).toBe(rule);
  });
}

for (const [variable, what, content, told] of [
  ["SERVICE_KEY_FILE", "is not there", undefined, "cannot be read (ENOENT)"],
  ["SERVICE_KEY_FILE", "is not JSON", '{"d":"secret', "is not JSON"],
  ["SERVICE_KEY_FILE", "holds a public key", JSON.stringify(publicJwk), "is not a private Ed25519 JWK"],
  ["SERVICE_KEY_FILE", "holds null", "null", "is not a private Ed25519 JWK"],
  [
    "SERVICE_KEY_FILE",
    "holds a broken key",
    JSON.stringify({ ...privateJwk, d: "AA" }),
    "is not a private Ed25519 JWK",
  ],
  ["SERVICE_JWKS_FILE", "is not there", undefined, "cannot be read (ENOENT)"],
  ["SERVICE_JWKS_FILE", "holds one key", JSON.stringify(publicJwk), "is not a JSON Web Key Set"],
  ["SERVICE_JWKS_FILE", "holds null", "null", "is not a JSON Web Key Set"],
] as const) {
  test(`a ${variable} that ${what} stops the start in one line without its content`, () => {
    const { file } = write({ file: content });
    const create = () => createAuth({ config: config({ [variable]: file }), name: "order" });
    expect(create).toThrow(new StartError(`${variable}: ${file} ${told}`));
  });
}

const config = (
  files: Partial<Record<"SERVICE_KEY_FILE" | "SERVICE_JWKS_FILE" | "TLS_CERT_FILE" | "TLS_CA_FILE", string>>,
) => ({
  SERVICE_KEY_FILE: undefined,
  SERVICE_JWKS_FILE: undefined,
  TLS_CERT_FILE: undefined,
  TLS_CA_FILE: undefined,
  TLS_TRUST_DOMAIN: "tenon",
  REFLECTION: "public" as const,
  ...files,
});

/** Files of this content (JSON of what is no text; none where undefined) in a folder of the test's own: their paths. */
function write<Name extends string>(contents: Record<Name, unknown>): Record<Name, string> {
  const folder = mkdtempSync(join(tmpdir(), "service-auth-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return Object.fromEntries(
    Object.entries(contents).map(([name, content]) => {
      const path = join(folder, `${name}.json`);
      if (content !== undefined) writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
      return [name, path];
    }),
  ) as Record<Name, string>;
}
