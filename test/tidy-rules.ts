import { posix } from "node:path";
import {
  baseName,
  type Import,
  importsOf,
  isTest,
  lineAt,
  packageOf,
  type SourceFile,
  servesTests,
  toCode,
} from "./source-files.ts";

/** A rule of the house that a program can check. */
export interface Rule {
  readonly name: string;
  /** Why it holds; told with each finding. */
  readonly reason: string;
  check(files: readonly SourceFile[]): Finding[];
}

/** A line to change. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly what: string;
}

/** Packages from the lowest up; those of one row know nothing of each other. */
const LAYERS = [
  ["errors"],
  ["options"],
  ["contracts"],
  ["config", "logger"],
  ["money"],
  ["grpc"],
  ["interceptors"],
  ["database"],
  ["transcoding"],
  ["runtime"],
  ["events"],
  ["testing"],
];

const SHARED_NAMES = ["main.ts", "config.ts", "server.ts", "index.ts"];
const EMPTY_NAMES = ["util", "utils", "helper", "helpers", "common", "types", "base", "manager", "impl"];
const MAX_LINES = 300;

export const RULES: readonly Rule[] = [
  {
    name: "only packages/grpc knows the transport",
    reason:
      "a second transport is to fit behind the same server and client, and grpc-js's faults are fenced in one place",
    check: eachImport((file, { specifier }) => {
      const transport = /^(@grpc\/|grpc-health-check)/.test(specifier);
      const free = /^(packages\/grpc|bench)\//.test(file.path) || servesTests(file);
      return transport && !free ? `imports ${specifier}; use @tenon/grpc` : undefined;
    }),
  },
  {
    name: "rules know neither wire nor storage",
    reason: "what the business decides is read and tested without a server or a database",
    check: eachImport(({ path }, { specifier, clause }) => {
      const outside = /^(@tenon\/(grpc|contracts|options|interceptors|runtime)|@bufbuild\/|kysely|pg$)/.test(specifier);
      const storage = specifier === "@tenon/database" && !clause.startsWith("type"); // a page is a plain type
      return isRules(path) && (outside || storage) ? `a *-service.ts imports ${specifier}` : undefined;
    }),
  },
  {
    name: "rules are told the time and their ids",
    reason: "a rule with a clock or chance of its own cannot be tested at the moment that matters",
    check: (files) => [
      ...eachMatch(
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bcrypto\.random\w+\(|\bset(?:Timeout|Interval)\(/g,
        ({ path }, [found]) => (isRules(path) ? `${found}...) in a *-service.ts; have it passed in` : undefined),
      )(files),
      ...eachImport(({ path }, { specifier, clause }) => {
        const chance = specifier === "uuid" || (/^(node:)?crypto$/.test(specifier) && /\brandom/.test(clause));
        return isRules(path) && chance ? `a *-service.ts imports ${clause}; have it passed in` : undefined;
      })(files),
    ],
  },
  {
    name: "only config.ts reads the environment",
    reason: "what a process can be told is written, checked and documented in one place",
    check: eachMatch(/\bprocess\.env\b/g, ({ path }) =>
      baseName(path) === "config.ts" || isTest(path) ? undefined : "process.env outside config.ts",
    ),
  },
  {
    name: "nothing writes to the console",
    reason: "log lines have a level, a time and a call, and secrets redacted; programs write to process.stdout",
    check: eachMatch(/\bconsole\s*\./g, () => "console; use the logger, or process.stdout in a program"),
  },
  {
    name: "wire types come by their namespace",
    reason: "userv1.User and the domain's User must not be taken for each other",
    check: eachImport((_, { specifier, clause }) => {
      const contract = /^@tenon\/contracts\/(.+)$/.exec(specifier)?.[1];
      const alias = contract?.replaceAll("/", "");
      if (alias === undefined || clause === `* as ${alias}` || clause === `type * as ${alias}`) return undefined;
      return `write: import * as ${alias} from "${specifier}"`;
    }),
  },
  {
    name: "packages know only those below them",
    reason: `a change stays within what stands on it: ${LAYERS.map((row) => row.join(", ")).join(" < ")} < services`,
    check: eachImport(({ path }, { specifier }) => {
      const to = /^@tenon\/([^/]+)/.exec(specifier)?.[1];
      const from = packageOf(path);
      if (to === undefined || from === undefined || to === from) return undefined;
      if (to === "testing") return undefined; // for tests in every layer, and the rule below
      const [below, above] = [layerOf(to), path.startsWith("services/") ? LAYERS.length : layerOf(from)];
      if (below < above || from === "platform") return undefined;
      return `${from} imports @tenon/${to}, which is not below it`;
    }),
  },
  {
    name: "what serves tests stays with tests",
    reason: "in production there is no @tenon/testing",
    check(files) {
      const fixtures = new Set(files.filter(servesTests).map(({ path }) => path));
      return eachImport(({ path }, { specifier }) =>
        !fixtures.has(path) && packageOf(path) !== "testing" && fixtures.has(resolve(path, specifier))
          ? `imports ${specifier}, which is for tests`
          : undefined,
      )(files);
    },
  },
  {
    name: "packages are entered by their door",
    reason: "what a package does not export it may change",
    check: eachImport(({ path }, { specifier }) => {
      if (!specifier.startsWith(".")) return undefined;
      const [from, to] = [packageOf(path), packageOf(resolve(path, specifier))];
      return to !== undefined && from !== to ? `${specifier} leaves the package; import @tenon/${to}` : undefined;
    }),
  },
  {
    name: "a file's name is its own",
    reason: "a name in a stack or a search leads to one file",
    check(files) {
      const seen = new Map<string, string>();
      return files.flatMap(({ path }) => {
        const name = baseName(path);
        const other = seen.get(name);
        if (SHARED_NAMES.includes(name.replace(".test.", "."))) return [];
        seen.set(name, path);
        return other ? [{ path, line: 1, what: `${other} has the same name` }] : [];
      });
    },
  },
  {
    name: "names say what is inside",
    reason: "a drawer for everything is where nothing is found",
    check: eachFile(({ path }) => {
      const word = path.split(/[/.-]/).find((part) => EMPTY_NAMES.includes(part));
      return word && [{ line: 1, what: `${word} in its name` }];
    }),
  },
  {
    name: "a file fits in the head",
    reason: `past ${MAX_LINES} lines it holds more than one idea`,
    check: eachFile(({ text }) => {
      const lines = text.trimEnd().split("\n").length;
      return lines > MAX_LINES ? [{ line: MAX_LINES + 1, what: `${lines} lines, at most ${MAX_LINES}` }] : undefined;
    }),
  },
  {
    name: "nothing is left for later",
    reason: "what is missing is in the tracker, where it is seen",
    check: eachFile(({ text }) =>
      [...text.matchAll(/\b(?:TO[D]O|FIX[M]E|HA[C]K)\b/g)].map((match) => ({
        line: lineAt(text, match.index),
        what: match[0],
      })),
    ),
  },
  {
    name: "no test is passed over in silence",
    reason:
      'a test that does not run proves nothing; one that cannot run here says so: skip("needs grpcurl"), skipIf(...)',
    check: eachMatch(
      /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:only|skip|todo|fails)\b|\bskip\(\)|\b(?:xit|fit)\(/g,
      ({ path }, [found]) => (isTest(path) ? found : undefined),
    ),
  },
];

const isRules = (path: string): boolean => /^services\/.*-service\.ts$/.test(path);

const resolve = (path: string, specifier: string): string =>
  specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;

const layerOf = (name: string): number => {
  const layer = LAYERS.findIndex((row) => row.includes(name));
  return layer === -1 ? LAYERS.length : layer;
};

function eachFile(look: (file: SourceFile) => Omit<Finding, "path">[] | "" | undefined) {
  return (files: readonly SourceFile[]): Finding[] =>
    files.flatMap((file) => (look(file) || []).map((finding) => ({ path: file.path, ...finding })));
}

function eachImport(look: (file: SourceFile, of: Import) => string | undefined) {
  return eachFile((file) =>
    importsOf(file.text).flatMap((of) => {
      const what = look(file, of);
      return what ? [{ line: of.line, what }] : [];
    }),
  );
}

function eachMatch(pattern: RegExp, look: (file: SourceFile, match: RegExpExecArray) => string | undefined) {
  return eachFile((file) => {
    const code = toCode(file.text);
    return [...code.matchAll(pattern)].flatMap((match) => {
      const what = look(file, match);
      return what ? [{ line: lineAt(code, match.index), what }] : [];
    });
  });
}
