// A process that owns an embedded PostgreSQL, for tests that kill it: `node owner-process.ts <directory>`.
import { createLogger } from "@tenon/logger";
import { startEmbedded } from "./index.ts";

const [directory = ""] = process.argv.slice(2);
const say = (line: string) => void process.stdout.write(`${line}\n`);
try {
  const embedded = await startEmbedded({
    directory,
    durable: false,
    logger: createLogger({ name: "owner", level: "silent" }),
  });
  await embedded.ensureDatabase({ database: "order", role: "order" });
  say(`up ${embedded.adminUrl}`);
} catch (error) {
  say(`${(error as Error).name}: ${(error as Error).message}`);
}
