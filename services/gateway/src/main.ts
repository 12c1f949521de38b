import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { runMain } from "@tenon/runtime";
import { readGatewayConfig } from "./config.ts";
import { checkGateway, startGateway } from "./server.ts";

await runMain(
  "gateway",
  async () => {
    const config = readGatewayConfig();
    return startGateway({
      config,
      logger: createLogger({ name: "gateway", level: config.LOG_LEVEL, facts: currentCallFacts }),
    });
  },
  { checkConfig: () => checkGateway(readGatewayConfig()) },
);
