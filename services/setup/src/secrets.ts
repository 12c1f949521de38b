import { join } from "node:path";
import { StartError, systemReason } from "@tenon/errors";
import { makeBrokerAccess } from "./broker-access.ts";
import { makeDatabaseAccess } from "./database-access.ts";
import { makeServiceKeys } from "./service-keys.ts";

export interface SecretsOptions {
  /** Has a directory for each service, and one named postgres: in production-like deployments each is mounted by its owner only. */
  directory: string;
  services: readonly string[];
  /** Where PostgreSQL is, as `postgres:5432`. */
  databaseAddress: string;
  /** Where NATS is, as `nats:4222`; by default there is none, and no directory named nats. */
  natsAddress?: string | undefined;
  /** Hears what is made. */
  onProgress?: (line: string) => void;
}

/**
 * Makes what services must not share: in `<directory>/<service>` its private key (`key.jwk.json`), the public keys of all
 * (`services.jwks.json`) and its DATABASE_URL (`database.env`); in `<directory>/postgres` a verifier of each password
 * (`<service>.scram`). With NATS, also `<directory>/<service>/nats.url`, its NATS_URL, and `<directory>/nats/users.conf`. What is there is kept. Throws a StartError where it cannot write.
 */
export async function makeSecrets(options: SecretsOptions): Promise<void> {
  const { directory, services, databaseAddress: address, natsAddress, onProgress } = options;
  const fileOf = (service: string, name: string) => join(directory, service, name);
  const filesOf = (name: string) => Object.fromEntries(services.map((service) => [service, fileOf(service, name)]));
  try {
    for (const role of services) {
      const envFile = fileOf(role, "database.env");
      await makeDatabaseAccess({ role, address, envFile, verifierFile: fileOf("postgres", `${role}.scram`) });
    }
    if (natsAddress !== undefined) {
      const usersFile = fileOf("nats", "users.conf");
      await makeBrokerAccess({ address: natsAddress, urlFiles: filesOf("nats.url"), usersFile });
    }
    await makeServiceKeys({
      keyFiles: filesOf("key.jwk.json"),
      jwksFiles: services.map((service) => fileOf(service, "services.jwks.json")),
      ...(onProgress && { onProgress }),
    });
  } catch (error) {
    const { path = directory } = error as NodeJS.ErrnoException;
    throw new StartError(`${path} cannot be used: ${systemReason(error)}`, { cause: error });
  }
}
