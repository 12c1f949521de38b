import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { checkService, runMain } from "@tenon/runtime";
import { readProcessorConfig } from "./config.ts";
import { startProcessor } from "./server.ts";

await runMain(
  "processor",
  async () => {
    const config = readProcessorConfig();
    return startProcessor({
      config,
      logger: createLogger({ name: "processor", level: config.LOG_LEVEL, facts: currentCallFacts }),
    });
  },
  { checkConfig: () => checkService({ name: "processor", config: readProcessorConfig(), calls: ["payment"] }) },
);
