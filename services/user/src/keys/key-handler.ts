import type * as userv1 from "@tenon/contracts/user/v1";
import type { Handlers } from "@tenon/grpc";
import type { KeyRing, SigningKey } from "./key-ring.ts";

export const createKeyHandler = (keys: KeyRing): Handlers<typeof userv1.KeyService> => ({
  listKeys: async () => ({ keys: (await keys.list()).map(toPublicJwk) }),
});

/** The public half of a key (RFC 8037). */
export const toPublicJwk = ({ kid, x }: SigningKey) => ({
  kty: "OKP",
  crv: "Ed25519",
  x,
  kid,
  alg: "EdDSA",
  use: "sig",
});
