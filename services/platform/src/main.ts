import { randomUUID } from "node:crypto";
import { currentCallFacts } from "@tenon/interceptors";
import { createLogger, type LogLevel } from "@tenon/logger";
import { runMain } from "@tenon/runtime";
import { announcement } from "./announcement.ts";
import { readPlatformConfig } from "./config.ts";
import { startPlatform } from "./platform.ts";

// Words for a person go to standard output, log lines to standard error. Whoever stops reading stops nothing.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
const print = (text: string) => void process.stdout.write(`${text}\n`);
const destination = { write: (line: string) => void process.stderr.write(line) };
const loggerOf = ({ name, logLevel: level }: { name: string; logLevel: LogLevel }) =>
  createLogger({ name, level, destination, facts: currentCallFacts });

await runMain(
  "platform",
  async (signal) => {
    signal.addEventListener("abort", () => print("Stopping: calls in flight end first. Ctrl-C again ends at once."));
    const [services = ""] = process.argv.slice(2);
    const config = readPlatformConfig({ only: services.replace(/^service=/, "") });
    const platform = await startPlatform({ config, loggerOf, onProgress: print, signal });
    print(announcement({ platform, newId: randomUUID }));
    return platform;
  },
  { logger: loggerOf({ name: "platform", logLevel: "warn" }) },
);
