export {
  bool,
  type Config,
  ConfigError,
  type ConfigSpec,
  count,
  duration,
  port,
  type ReadConfigOptions,
  readConfig,
  str,
} from "./config.ts";
