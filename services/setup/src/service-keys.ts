import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readIfThere, writeWhole } from "./whole-file.ts";

export interface ServiceKeysOptions {
  /** The file with a service's private key, by the service's name: its SERVICE_KEY_FILE. */
  keyFiles: Readonly<Record<string, string>>;
  /** Each gets the public keys of all of them: everyone's SERVICE_JWKS_FILE. */
  jwksFiles: readonly string[];
  /** Hears once that keys are made. */
  onProgress?: (line: string) => void;
}

/**
 * Gives every service an EdDSA key of its own, by which it proves itself to the others. Keys that are there are used
 * again; one that cannot be read as this service's key is made anew: what was made with the lost one no longer holds.
 * Files are for their owner only. Rejects with the system's error where it cannot write.
 */
export async function makeServiceKeys({ keyFiles, jwksFiles, onProgress }: ServiceKeysOptions): Promise<void> {
  const files = Object.entries(keyFiles);
  const kept = await Promise.all(files.map(([name, file]) => readKey(file, name)));
  if (kept.includes(undefined)) onProgress?.("Making the keys by which services know each other");
  const keys = await Promise.all(files.map(async ([name, file], index) => kept[index] ?? (await makeKey(file, name))));
  const jwks = JSON.stringify({ keys: keys.map(publicPart) });
  for (const file of jwksFiles) {
    const present = await readFile(file, "utf8").catch(() => undefined);
    if (present !== `${jwks}\n`) await writeWhole(file, jwks);
  }
}

async function readKey(file: string, name: string): Promise<JsonWebKey | undefined> {
  const text = await readIfThere(file);
  try {
    const key = JSON.parse(text) as JsonWebKey;
    const { x } = createPublicKey(createPrivateKey({ key, format: "jwk" })).export({ format: "jwk" });
    return key.kid === name && key.alg === "EdDSA" && key.x === x ? key : undefined;
  } catch {
    return undefined;
  }
}

async function makeKey(file: string, name: string): Promise<JsonWebKey> {
  const key = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const described = { ...key, kid: name, alg: "EdDSA", use: "sig" };
  await writeWhole(file, JSON.stringify(described));
  return described;
}

const publicPart = ({ d: _secret, ...key }: JsonWebKey): JsonWebKey => key;
