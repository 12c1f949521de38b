import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { StatusError } from "@tenon/errors";
import type { JSONWebKeySet, JWK } from "jose";
import { detached } from "../current-call.ts";

/** The public keys that tokens are verified with, by id. */
export interface KeySource {
  /** The key as far as it is known now. */
  current(keyId: string): KeyObject | undefined;
  /** The key, fetched if need be; undefined where the issuer has none of this id. Rejects UNAVAILABLE if nobody knows. */
  find(keyId: string): Promise<KeyObject | undefined>;
  /** Fetches now; rejects with what went wrong. For a start that shall fail on a bad file. */
  load(): Promise<void>;
}

export interface KeySourceOptions {
  /** Gets the present set. `signal` aborts after `fetchTimeoutMs`. */
  fetch: (signal: AbortSignal) => Promise<JSONWebKeySet>;
  /** Keys older than this are fetched anew on their next use, which does not wait for it; by default 5 minutes. */
  refreshAfterMs?: number;
  /** Keys older than this are used no more, however long the issuer is down; by default 24 hours. */
  staleAfterMs?: number;
  /** Least time between two fetches, whatever ids strangers invent or however often the issuer fails; by default 5 s. */
  retryAfterMs?: number;
  /** By default 5 s. */
  fetchTimeoutMs?: number;
  /** Sets with more keys are refused; by default 100. */
  maxKeys?: number;
  now?: () => Date;
}

/** Ed25519 keys of an issuer, kept and renewed as they are used: one fetch at a time, the old ones while it fails. */
export function createKeySource(options: KeySourceOptions): KeySource {
  const {
    fetch,
    refreshAfterMs = 300_000,
    staleAfterMs = 86_400_000,
    retryAfterMs = 5_000,
    fetchTimeoutMs = 5_000,
    maxKeys = 100,
    now = () => new Date(),
  } = options;
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let running: Promise<void> | undefined;

  async function fetchKeys(): Promise<void> {
    triedAt = now().getTime();
    try {
      const set = await within(fetchTimeoutMs, fetch);
      keys = importKeys(set, maxKeys, keys);
      fetchedAt = now().getTime();
      failure = undefined;
    } catch (error) {
      failure = error ?? new Error("no keys");
      throw error;
    }
  }

  /** Shared by all who wait, so it runs on no call's behalf: the end of one must not end it for the others. */
  function refresh(): Promise<void> {
    running ??= detached(fetchKeys).finally(() => {
      running = undefined;
    });
    return running;
  }

  const age = () => now().getTime() - fetchedAt;
  const mayTry = () => now().getTime() - triedAt >= retryAfterMs;
  const known = (keyId: string) => (age() < staleAfterMs ? keys.get(keyId) : undefined);

  function current(keyId: string): KeyObject | undefined {
    if (age() >= refreshAfterMs && mayTry()) refresh().catch(() => {}); // the old ones serve until it works
    return known(keyId);
  }

  return {
    load: refresh,
    current,
    async find(keyId) {
      const found = current(keyId);
      if (found !== undefined) return found;
      // A failed fetch shows below.
      if (running !== undefined || mayTry()) await refresh().catch(() => {});
      const fetched = known(keyId);
      if (fetched === undefined && failure !== undefined) {
        throw new StatusError("UNAVAILABLE", "tokens cannot be verified now", { cause: failure });
      }
      return fetched;
    },
  };
}

/** Keys from a JSON Web Key Set in a file, read again as `createKeySource` says, so that keys rotate without a restart. */
export const createFileKeySource = ({
  path,
  ...options
}: Omit<KeySourceOptions, "fetch"> & { path: string }): KeySource =>
  createKeySource({
    refreshAfterMs: 30_000,
    ...options,
    fetch: async (signal) => JSON.parse(await readFile(path, { encoding: "utf8", signal })) as JSONWebKeySet,
  });

async function within<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`keys did not arrive in ${timeoutMs} ms`);
      controller.abort(error);
      reject(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A key that has not changed stays the same object: what was verified with it holds on. */
function importKeys(set: unknown, maxKeys: number, before: ReadonlyMap<string, KeyObject>): Map<string, KeyObject> {
  const list = (set as Partial<JSONWebKeySet> | null)?.keys;
  if (!Array.isArray(list)) throw new Error("not a JSON Web Key Set");
  if (list.length > maxKeys) throw new Error(`a key set of ${list.length} keys, more than ${maxKeys}`);
  const keys = new Map<string, KeyObject>();
  for (const jwk of list.filter(verifiesTokens)) {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: jwk.x as string }, format: "jwk" });
    const old = before.get(jwk.kid);
    keys.set(jwk.kid, old?.equals(key) ? old : key);
  }
  return keys;
}

/** An issuer may publish keys of other algorithms or uses as well; those are not ours to trust. */
const verifiesTokens = (jwk: JWK): jwk is JWK & { kid: string } =>
  jwk.kty === "OKP" &&
  jwk.crv === "Ed25519" &&
  typeof jwk.kid === "string" &&
  typeof jwk.x === "string" &&
  (jwk.alg === undefined || jwk.alg === "EdDSA") &&
  (jwk.use === undefined || jwk.use === "sig");
