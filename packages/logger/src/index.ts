export { createIsoTime } from "./iso-time.ts";
export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel } from "./logger.ts";
export { SECRETS } from "./secret-facts.ts";
export { createTurnWriter } from "./turn-writer.ts";
