import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import { systemReason } from "./system-reason.ts";

export interface DevelopmentKeys {
  /** The file with a service's private key, by the service's name: its SERVICE_KEY_FILE. */
  readonly keyFiles: Readonly<Record<string, string>>;
  /** The file with the public keys of all of them: everyone's SERVICE_JWKS_FILE. */
  readonly jwksFile: string;
}

export interface DevelopmentKeysOptions {
  /** Where the keys are kept; made where it is missing, for its owner only. */
  directory: string;
  services: readonly string[];
  /** Hears once that keys are made. */
  onProgress?: (line: string) => void;
}

/** Where the keys of a directory are, made or not. */
export const developmentKeyFiles = (directory: string, services: readonly string[]): DevelopmentKeys => ({
  keyFiles: Object.fromEntries(services.map((service) => [service, join(directory, `${service}.jwk.json`)])),
  jwksFile: join(directory, "services.jwks.json"),
});

/**
 * Gives every service an EdDSA key of its own, by which it proves itself to the others. Keys that are there are used
 * again; one that cannot be read as this service's key is made anew: what was made with the lost one no longer holds.
 * For one machine: in production keys come from outside. Throws a StartError where it cannot write.
 */
export async function makeDevelopmentKeys(options: DevelopmentKeysOptions): Promise<DevelopmentKeys> {
  const files = developmentKeyFiles(options.directory, options.services);
  try {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const kept = await Promise.all(options.services.map((name) => readKey(files.keyFiles[name] as string, name)));
    if (kept.includes(undefined)) options.onProgress?.("Making the keys by which services know each other");
    const keys = await Promise.all(
      options.services.map(async (name, index) => kept[index] ?? (await makeKey(files.keyFiles[name] as string, name))),
    );
    const jwks = JSON.stringify({ keys: keys.map(publicPart) });
    const present = await readFile(files.jwksFile, "utf8").catch(() => undefined);
    if (present !== `${jwks}\n`) await writeWhole(files.jwksFile, jwks);
  } catch (error) {
    throw new StartError(`${options.directory} cannot hold the services' keys: ${systemReason(error)}`, {
      cause: error,
    });
  }
  return files;
}

async function readKey(file: string, name: string): Promise<JsonWebKey | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
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

/** Writes a file that is never seen half-written, whenever the process or the machine stops. */
async function writeWhole(file: string, text: string): Promise<void> {
  const draft = await open(`${file}.new`, "w", 0o600);
  try {
    await draft.chmod(0o600);
    await draft.writeFile(`${text}\n`);
    await draft.sync();
  } finally {
    await draft.close();
  }
  await rename(`${file}.new`, file);
}
