import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { checkService, runMain } from "@tenon/runtime";
import { readPaymentConfig } from "./config.ts";
import { startPayment } from "./server.ts";

await runMain(
  "payment",
  async () => {
    const config = readPaymentConfig();
    return startPayment({
      config,
      logger: createLogger({ name: "payment", level: config.LOG_LEVEL, facts: currentCallFacts }),
    });
  },
  { checkConfig: () => checkService({ name: "payment", config: readPaymentConfig(), calls: ["processor", "order"] }) },
);
