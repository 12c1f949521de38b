import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { checkService, runMain } from "@tenon/runtime";
import { readOrderConfig } from "./config.ts";
import { startOrder } from "./server.ts";

await runMain(
  "order",
  async () => {
    const config = readOrderConfig();
    return startOrder({
      config,
      logger: createLogger({ name: "order", level: config.LOG_LEVEL, facts: currentCallFacts }),
    });
  },
  { checkConfig: () => checkService({ name: "order", config: readOrderConfig(), calls: ["user", "payment"] }) },
);
