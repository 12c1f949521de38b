import type { KeyObject } from "node:crypto";

/** An Ed25519 key that signs access tokens, has signed some that still hold, or will. */
export interface SigningKey {
  readonly kid: string;
  /** The public point, base64url. */
  readonly x: string;
  /** Where it is this process's to sign with. */
  readonly privateKey?: KeyObject;
  /** From when it signs, in place of those before it; null: never. */
  readonly signsFrom: Date | null;
}

export interface KeyRingOptions {
  /** Gets the present keys. */
  load: () => Promise<readonly SigningKey[]>;
  now: () => Date;
  /** How old keys may be before they are loaded again on their next use; by default 60 s. */
  refreshAfterMs?: number;
  /** Hears that keys could not be loaded again, while those that are there serve on. */
  onError: (error: unknown) => void;
}

/** The present signing keys, loaded again as they are used: keys rotate without a restart, and without a timer. */
export interface KeyRing {
  /** The key that signs what is issued at this moment. */
  signer(at: Date): Promise<Required<SigningKey>>;
  /** Every key that may have signed a token that holds, and the next one. */
  list(): Promise<readonly SigningKey[]>;
}

export function createKeyRing({ load, now, refreshAfterMs = 60_000, onError }: KeyRingOptions): KeyRing {
  let keys: readonly SigningKey[] | undefined;
  let loadedAt = Number.NEGATIVE_INFINITY;
  let loading: Promise<readonly SigningKey[]> | undefined;

  function reload(): Promise<readonly SigningKey[]> {
    loading ??= (async () => {
      // Also a failed attempt counts: a database that is down is not asked again by every call.
      const startedAt = now().getTime();
      try {
        keys = await load();
      } catch (error) {
        if (!keys) throw error;
        onError(error);
      } finally {
        loading = undefined;
      }
      loadedAt = startedAt;
      return keys;
    })();
    return loading;
  }

  const present = async () => (keys && now().getTime() - loadedAt < refreshAfterMs ? keys : reload());

  return {
    list: present,
    async signer(at) {
      const able = (await present()).filter(canSign);
      const begun = able.filter(({ signsFrom }) => signsFrom <= at);
      const signer = begun.length > 0 ? begun.reduce(later) : able.sort(byStart)[0];
      if (!signer) throw new Error("there is no key to sign access tokens with");
      return signer;
    },
  };
}

const canSign = (key: SigningKey): key is Required<SigningKey> & { signsFrom: Date } =>
  key.privateKey !== undefined && key.signsFrom !== null;

const byStart = (a: { signsFrom: Date }, b: { signsFrom: Date }) => a.signsFrom.getTime() - b.signsFrom.getTime();
const later = <T extends { signsFrom: Date }>(a: T, b: T): T => (byStart(a, b) > 0 ? a : b);
