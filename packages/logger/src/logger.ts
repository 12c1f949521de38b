import { type DestinationStream, pino } from "pino";

/** Where log lines go: facts for programs first, words for people second. pino's loggers are such. */
export interface Logger {
  debug(facts: object, message?: string): void;
  info(facts: object, message?: string): void;
  warn(facts: object, message?: string): void;
  error(facts: object, message?: string): void;
  /** A logger whose every line carries these facts too. */
  child(facts: object): Logger;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Whose lines they are. */
  name: string;
  /** Lines below it are not written; by default `info`. */
  level?: LogLevel;
  /** By default standard output. */
  destination?: DestinationStream;
}

/** Facts that never reach a line, whoever logs them, at the top or one level down. */
const SECRETS = ["password", "old_password", "new_password", "authorization", "access_token", "refresh_token", "email"];

/** A logger that writes one JSON object a line: level by name, time as RFC 3339, `err` with its stack and causes. */
export function createLogger({ name, level = "info", destination }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((key) => [key, `*.${key}`]), censor: "[redacted]" },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}
