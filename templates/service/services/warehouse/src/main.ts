import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { checkService, runMain } from "@tenon/runtime";
import { readWarehouseConfig } from "./config.ts";
import { startWarehouse } from "./server.ts";

await runMain(
  "warehouse",
  async () => {
    const config = readWarehouseConfig();
    return startWarehouse({
      config,
      logger: createLogger({ name: "warehouse", level: config.LOG_LEVEL, facts: currentCallFacts }),
    });
  },
  { checkConfig: () => checkService({ name: "warehouse", config: readWarehouseConfig() }) },
);
