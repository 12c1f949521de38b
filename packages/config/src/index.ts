export {
  bool,
  type Config,
  ConfigError,
  type ConfigSpec,
  duration,
  num,
  port,
  type ReadConfigOptions,
  readConfig,
  str,
} from "./config.ts";
