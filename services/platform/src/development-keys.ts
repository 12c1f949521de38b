import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { StartError, systemReason } from "@tenon/errors";
import { makeServiceKeys } from "@tenon/setup";

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
 * Makes the services' keys (`makeServiceKeys`) in one directory: for one machine; in production keys come from outside.
 * Throws a StartError where it cannot write.
 */
export async function makeDevelopmentKeys(options: DevelopmentKeysOptions): Promise<DevelopmentKeys> {
  const { directory, services, onProgress } = options;
  const files = developmentKeyFiles(directory, services);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await makeServiceKeys({
      keyFiles: files.keyFiles,
      jwksFiles: [files.jwksFile],
      ...(onProgress && { onProgress }),
    });
  } catch (error) {
    throw new StartError(`${directory} cannot hold the services' keys: ${systemReason(error)}`, { cause: error });
  }
  return files;
}
