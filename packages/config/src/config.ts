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
 * absent. A `secret` may be in a file, which NAME_FILE names. Throws a ConfigError that names every wrong variable. Values are not repeated in it: they may be secrets.
 */
export function readConfig<S extends ConfigSpec>(spec: S, options: ReadConfigOptions = {}): Config<S> {
  const env = options.env ?? process.env;
  const prefix = options.prefix ? `${options.prefix}_` : "";
  const names = Object.keys(spec);
  const wrongFiles: string[] = [];
  const given = (name: string) => env[prefix + name] || env[name] || undefined;
  const found = Object.fromEntries(
    names.map((name) => {
      const file = isSecret(spec[name]) ? given(`${name}_FILE`) : undefined;
      if (file === undefined) return [name, given(name)];
      const text = readSecret(file);
      if (text === undefined)
        wrongFiles.push(`${name}_FILE names a file that cannot be read: ${spec[name]?.desc ?? ""}`);
      if (given(name)) wrongFiles.push(`${name} and ${name}_FILE are both set: leave one of them out`);
      return [name, text ?? "unreadable"];
    }),
  );
  if (wrongFiles.length > 0) throw new ConfigError(wrongFiles.join("\n"));
  const config = cleanEnv(found, spec, {
    reporter({ errors }) {
      const lines = Object.entries(errors).map(([name, error]) => {
        const asked = env[prefix + name] ? prefix + name : name;
        const what = error instanceof EnvMissingError ? "is not set" : "has a value that cannot be used";
        const help = error instanceof EnvError && error.message.startsWith("expected") ? `, ${error.message}` : "";
        return `${asked} ${what}${help}: ${spec[name]?.desc ?? ""}`;
      });
      if (lines.length > 0) throw new ConfigError(lines.join("\n"));
    },
  });
  return { ...config } as Config<S>;
}

/** A duration: a whole number with its unit, `250ms`, `30s`, `5m` or `1h`. Read as milliseconds. */
export const duration = makeValidator<number>((input) => {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(input);
  if (!match) throw new EnvError("expected a number with ms, s, m or h");
  return Number(match[1]) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as string] as number);
});

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

/** Text that must not be seen: it may be given as `NAME_FILE`, a file whose one line it is. */
export const secret = makeValidator<string>((input) => input);

const isSecret = (of: ValidatorSpec<unknown> | undefined): boolean => of?._parse === SECRET;
const SECRET: unknown = (secret({ desc: "" }) as ValidatorSpec<string>)._parse;

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

export { bool, EnvError, makeValidator, str };
