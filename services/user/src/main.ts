import { currentCallFacts } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { runMain } from "@tenon/runtime";
import { readUserConfig } from "./config.ts";
import { checkUser, startUser } from "./server.ts";

await runMain(
  "user",
  async () => {
    const config = readUserConfig();
    const logger = createLogger({ name: "user", level: config.LOG_LEVEL, facts: currentCallFacts });
    const onFirstAdmin = ({ email, password }: { email: string; password: string }) =>
      process.stdout.write(`The first admin, shown this once: email ${email} password ${password}\n`);
    return startUser({ config, logger, onFirstAdmin });
  },
  { checkConfig: () => checkUser(readUserConfig()) },
);
