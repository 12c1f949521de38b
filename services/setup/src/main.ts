// Runs to its end, before everything else of a deployment and at every start of it: what is there is kept.
import { ConfigError } from "@tenon/config";
import { StartError } from "@tenon/errors";
import { readSetupConfig } from "./config.ts";
import { makeSecrets } from "./secrets.ts";

try {
  const { SECRETS_DIR: directory, DATABASE_ADDRESS, NATS_ADDRESS, services } = readSetupConfig();
  const onProgress = (line: string) => void process.stdout.write(`${line}\n`);
  await makeSecrets({
    ...{ directory, services, onProgress },
    ...{ databaseAddress: DATABASE_ADDRESS, natsAddress: NATS_ADDRESS },
  });
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  for (const line of error.message.split("\n")) process.stderr.write(`setup: ${line}\n`);
  process.exitCode = 1;
}
