import { join } from "node:path";
import { StartError, systemReason } from "@tenon/errors";
import { makeDatabaseAccess } from "./database-access.ts";
import { makeServiceKeys } from "./service-keys.ts";

export interface SecretsOptions {
  /** Has a directory for each service, and one named postgres: in production-like deployments each is mounted by its owner only. */
  directory: string;
  services: readonly string[];
  /** Where PostgreSQL is, as `postgres:5432`. */
  databaseAddress: string;
  /** Hears what is made. */
  onProgress?: (line: string) => void;
}

/**
 * Makes what services must not share: in `<directory>/<service>` its private key (`key.jwk.json`), the public keys of all
 * (`services.jwks.json`) and its DATABASE_URL (`database.env`); in `<directory>/postgres` a verifier of each password
 * (`<service>.scram`). What is there is kept. Throws a StartError where it cannot write.
 */
export async function makeSecrets(options: SecretsOptions): Promise<void> {
  const { directory, services, databaseAddress: address, onProgress } = options;
  const fileOf = (service: string, name: string) => join(directory, service, name);
  try {
    for (const role of services) {
      const envFile = fileOf(role, "database.env");
      await makeDatabaseAccess({ role, address, envFile, verifierFile: fileOf("postgres", `${role}.scram`) });
    }
    await makeServiceKeys({
      keyFiles: Object.fromEntries(services.map((service) => [service, fileOf(service, "key.jwk.json")])),
      jwksFiles: services.map((service) => fileOf(service, "services.jwks.json")),
      ...(onProgress && { onProgress }),
    });
  } catch (error) {
    const { path = directory } = error as NodeJS.ErrnoException;
    throw new StartError(`${path} cannot be used: ${systemReason(error)}`, { cause: error });
  }
}
