import { readFileSync } from "node:fs";
import {
  bool,
  cleanEnv,
  EnvError,
  EnvMissingError,
  makeValidator,
  type OptionalValidatorSpec,
  str,
  type ValidatorSpec,
} from "envalid";

/** What a process may be told by its environment: a name, how it is read, its default and what it means (`desc`). */
export type ConfigSpec = Readonly<Record<string, ValidatorSpec<unknown>>>;

export type Config<S extends ConfigSpec> = {
  readonly [Name in keyof S]: S[Name] extends OptionalValidatorSpec<infer T>
    ? T | undefined
    : S[Name] extends ValidatorSpec<infer T>
      ? T
      : never;
};

/** A variable is wrong or missing. Its message is one line for each, for the person who starts the process. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export interface ReadConfigOptions {
  /** Where to read; by default the process's environment. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Where several services share an environment: `ORDER_PORT` is then read before `PORT`. */
  prefix?: string;
}

/**
 * Reads and checks configuration once, at start. Variables of other names are not touched; an empty value counts as
 * absent. A `secret` may be in a file, which NAME_FILE names. Throws a ConfigError that names every wrong variable, by the
 * name that was read; values are not repeated in it, because they may be secrets.
 */
export function readConfig<S extends ConfigSpec>(spec: S, options: ReadConfigOptions = {}): Config<S> {
  const env = options.env ?? process.env;
  const prefix = options.prefix ? `${options.prefix}_` : "";
  const wrong: string[] = [];
  const nameRead = (name: string) => (env[prefix + name] ? prefix + name : name);
  const given = (name: string) => env[nameRead(name)] || undefined;

  function read(name: string): string | undefined {
    const fileName = `${name}_FILE`;
    const file = isSecret(spec[name]) ? given(fileName) : undefined;
    if (file === undefined) return given(name);
    const names = `${nameRead(name)} and ${nameRead(fileName)}`;
    if (given(name)) wrong.push(`${names} are both set: leave one of them out`);
    const text = readSecret(file);
    if (text === undefined) {
      wrong.push(`${nameRead(fileName)} names a file that is empty or cannot be read: ${spec[name]?.desc ?? ""}`);
    }
    return text ?? TOLD;
  }

  const found = Object.fromEntries(Object.keys(spec).map((name) => [name, read(name)]));
  const config = cleanEnv(found, spec, {
    reporter({ errors }) {
      for (const [name, error] of Object.entries(errors)) {
        if (found[name] === TOLD) continue;
        const what = error instanceof EnvMissingError ? "is not set" : "has a value that cannot be used";
        const help = error instanceof EnvError && error.message.startsWith("expected") ? `, ${error.message}` : "";
        wrong.push(`${nameRead(name)} ${what}${help}: ${spec[name]?.desc ?? ""}`);
      }
      if (wrong.length > 0) throw new ConfigError(wrong.join("\n"));
    },
  });
  return { ...config } as Config<S>;
}

/** Stands for a value whose file was told to be wrong. */
const TOLD = "told already";

const HOUR_MS = 3_600_000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: HOUR_MS };
const TIMER_MAX_HOURS = 576;

interface DurationBounds {
  /** Shortest, in milliseconds; by default 1. */
  min?: number;
  /** Longest; by default 576 hours, which are 24 days: a timer that is to wait longer does not wait at all. */
  maxHours?: number;
}

/** A duration: a whole number with its unit, `250ms`, `30s`, `5m` or `1h`. Read as milliseconds. */
export function duration(spec: DurationBounds & { default: number; desc: string }): ValidatorSpec<number>;
export function duration(spec: DurationBounds & { default: undefined; desc: string }): OptionalValidatorSpec<number>;
export function duration({
  min = 1,
  maxHours = TIMER_MAX_HOURS,
  ...spec
}: DurationBounds & { default: number | undefined; desc: string }) {
  const read = makeValidator<number>((input) => {
    const [, number, unit = ""] = /^(\d{1,9})(ms|s|m|h)$/.exec(input) ?? [];
    const ms = Number(number) * (UNITS_MS[unit] ?? Number.NaN);
    if (ms >= min && ms <= maxHours * HOUR_MS) return ms;
    throw new EnvError(`expected a number with ms, s, m or h, from ${min}ms to ${maxHours}h`);
  })(spec);
  DURATIONS.add(read);
  return read;
}

const DURATIONS = new WeakSet<object>();

/** Whether it is a `duration`, so that its default is in milliseconds. */
export const isDuration = (spec: ValidatorSpec<unknown>): boolean => DURATIONS.has(spec);

/** A whole number from 1 to `max`. */
export const count = ({ max, ...rest }: { max: number; default: number; desc: string }) =>
  makeValidator<number>((input) => {
    if (!/^\d{1,15}$/.test(String(input)) || Number(input) < 1 || Number(input) > max) {
      throw new EnvError(`expected a whole number from 1 to ${max}`);
    }
    return Number(input);
  })(rest);

/** A TCP port. */
export const port = makeValidator<number>((input) => {
  if (!/^\d{1,5}$/.test(input) || Number(input) < 1 || Number(input) > 65_535) {
    throw new EnvError("expected a port from 1 to 65535");
  }
  return Number(input);
});

/** Text that must not be seen. It may be in a file that NAME_FILE names, without the white space around it. */
export const secret = makeValidator<string>((input) => input);

/** A secret: where a PostgreSQL database is. */
export const postgresUrl = makeValidator<string>((input) => {
  if (/^postgres(ql)?:\/\/./.test(input) && URL.canParse(input)) return input;
  throw new EnvError("expected postgres://role:password@host:port/database");
});

/** A secret: where NATS is, its servers by commas. */
export const natsUrl = makeValidator<string>((input) => {
  if (input.split(",").every((each) => /^(nats|tls):\/\/./.test(each) && URL.canParse(each))) return input;
  throw new EnvError("expected nats://user:password@host:4222");
});

const parseOf = (of: ValidatorSpec<unknown> | undefined): unknown => of?._parse;
const SECRETS = new Set([secret, postgresUrl, natsUrl].map((of) => parseOf(of({ desc: "" }) as ValidatorSpec<string>)));

/** Whether a variable's value may come in a file, which NAME_FILE names. */
export const isSecret = (of: ValidatorSpec<unknown> | undefined): boolean => SECRETS.has(parseOf(of));

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

/** An http or https URL. */
export const url = makeValidator<string>((input) => {
  if (!URL.canParse(input) || !/^https?:$/.test(new URL(input).protocol)) {
    throw new EnvError("expected a URL with http:// or https://");
  }
  return input;
});

/** Each address of a list has its port; a name may be looked up by a server of its own (RFC 3986 has `dns://server/name`). */
const TARGETS: readonly RegExp[] = [
  /^(dns:(\/\/[^/\s]*\/)?)?([\w.-]+|\[[\da-f:.]+\]):(\d{1,5})$/i,
  /^ipv4:[\d.]+:\d{1,5}(,[\d.]+:\d{1,5})*$/,
  /^ipv6:\[[\da-f:.]+\]:\d{1,5}(,\[[\da-f:.]+\]:\d{1,5})*$/i,
  /^unix:(\/\/)?\/?[^/\s].*$/,
];

/** Where a gRPC service is, as a client dials it (https://github.com/grpc/grpc/blob/master/doc/naming.md). */
export const target = makeValidator<string>((input) => {
  const ports = /^unix:/.test(input) ? [] : [...input.matchAll(/:(\d+)(?=,|$)/g)].map(([, each]) => Number(each));
  const isWhole = TARGETS.some((form) => form.test(input)) && ports.every((each) => each >= 1 && each <= 65_535);
  if (!isWhole)
    throw new EnvError("expected host:port, dns:///host:port, ipv4:address:port,address:port or unix:/path");
  return input;
});

export { bool, EnvError, makeValidator, str };
