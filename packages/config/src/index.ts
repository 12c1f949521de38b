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
  url,
} from "./config.ts";
