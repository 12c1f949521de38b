import { type DestinationStream, pino, stdSerializers } from "pino";
import { writeFlatLines } from "./flat-line.ts";
import { createIsoTime } from "./iso-time.ts";
import { SECRETS } from "./secret-facts.ts";
import { createTurnWriter } from "./turn-writer.ts";

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
  /** By default standard output, the lines of one turn of the event loop together; see `createTurnWriter`. */
  destination?: DestinationStream;
  /**
   * What each line carries besides its own facts, which go before: that of the call it is written in, for instance. It is
   * shown the line's facts, and says nothing where they need no more.
   */
  facts?: (line: object) => object | undefined;
}

let standardOutput: DestinationStream | undefined;

/** One for all loggers of the process: their lines keep their order, and one listener waits for the end of the process. */
function toStandardOutput(): DestinationStream {
  standardOutput ??= createTurnWriter(pino.destination({ fd: 1, sync: true }));
  return standardOutput;
}

/** A logger that writes one JSON object a line: level by name, time as RFC 3339, `err` with its stack and causes. */
export function createLogger({ name, level = "info", destination, facts }: LoggerOptions): Logger {
  const toIsoTime = createIsoTime();
  const logger = pino(
    {
      name,
      level,
      base: { name },
      timestamp: () => `,"time":"${toIsoTime(Date.now())}"`,
      formatters: { level: (label) => ({ level: label }), log: (facts) => redact(facts) },
      ...(facts && { mixin: (line: object) => facts(line) ?? NONE, mixinMergeStrategy: merge }),
      serializers: { err: (error) => redact(stdSerializers.err(error), 0) },
    },
    destination ?? toStandardOutput(),
  );
  writeFlatLines(logger, { except: SECRETS });
  const { child } = logger;
  // Children inherit it, for children of theirs.
  const redactingChild = function (this: typeof logger, facts: object) {
    return child.call(this, redact(facts));
  };
  return Object.assign(logger, { child: redactingChild });
}

const NONE = {};

/** Copies nothing for the lines that have all that they need, which are most. */
const merge = (line: object, more: object): object => (more === NONE ? line : { ...more, ...line });

/** pino's own redaction copies every line for a path with a wildcard, which is seven eighths of what a line costs. */
function redact<T extends object>(facts: T, levelsBelow = 1): T {
  let redacted = facts;
  for (const key in facts) {
    const value: unknown = facts[key];
    const told = SECRETS.has(key) ? "[redacted]" : levelsBelow > 0 && isPart(value) ? redact(value, 0) : value;
    if (told === value) continue;
    if (redacted === facts) redacted = { ...facts };
    Object.assign(redacted, { [key]: told });
  }
  return redacted;
}

/** Errors have a serializer of their own. */
const isPart = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !(value instanceof Error);
