import { randomUUID } from "node:crypto";
import { createLogger } from "@tenon/logger";
import { runMain } from "@tenon/runtime";
import { announcement } from "./announcement.ts";
import { readPlatformConfig } from "./config.ts";
import { startPlatform } from "./platform.ts";
import type { Part } from "./platform-services.ts";

// Words for a person go to standard output, log lines to standard error. Whoever stops reading stops nothing.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const print = (text: string) => void process.stdout.write(`${text}\n`);
const destination = { write: (line: string) => void process.stderr.write(line) };

await runMain("platform", async (signal) => {
  const [only = ""] = process.argv.slice(2);
  const config = readPlatformConfig({ only: only.replace(/^service=/, "") });
  const loggerOf = ({ name, logLevel }: Part) => createLogger({ name, level: logLevel, destination });
  const platform = await startPlatform({ config, loggerOf, onProgress: print, signal });
  print(announcement({ platform, newId: randomUUID }));
  return platform;
});
