import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { checkService, runMain } from "@tenon/runtime";
import { readGreeterConfig } from "./config.ts";
import { startGreeter } from "./server.ts";

await runMain(
  "greeter",
  async () => {
    const config = readGreeterConfig();
    return startGreeter({
      config,
      logger: createLogger({ name: "greeter", level: config.LOG_LEVEL, facts: currentCallFacts }),
    });
  },
  { checkConfig: () => checkService({ name: "greeter", config: readGreeterConfig() }) },
);
