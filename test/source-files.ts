import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** A source file of ours, by its path from the root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file that people write. */
export const readSourceFiles = (): SourceFile[] =>
  globSync(["*.ts", "{bench,packages,scripts,services,test}/**/*.ts"], {
    cwd: ROOT,
    exclude: (name) => ["node_modules", "gen", ".data"].includes(name),
  })
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));

export const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.startsWith("test/");

/** Fixtures, and the programs that try a package from outside without being a test (`make fuzz`, `make differential`). */
const FOR_TESTS = /-fixture\.ts$|\/(differential|fuzz)\//;

/** A test, or a file that is for tests by its name or by what it loads. */
export const servesTests = ({ path, text }: SourceFile): boolean =>
  isTest(path) ||
  FOR_TESTS.test(path) ||
  importsOf(text).some(({ specifier }) => /^(@tenon\/testing|vitest)/.test(specifier));

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** `grpc` of packages/grpc/src/call.ts, `user` of services/user/src/user.ts. */
export const packageOf = (path: string): string | undefined => /^(?:packages|services)\/([^/]+)\//.exec(path)?.[1];

/** The text with comments and quoted strings blanked, so that words in them are not taken for code. Lines stay. */
export const toCode = (text: string): string =>
  text.replaceAll(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/.*|\/\*[\s\S]*?\*\//g, (token) =>
    token.startsWith("`") ? token : token.replaceAll(/[^\n]/g, " "),
  );

export interface Import {
  readonly specifier: string;
  /** What stands between `import` and `from`. */
  readonly clause: string;
  readonly line: number;
}

/** What a file imports or re-exports. */
export const importsOf = (text: string): Import[] =>
  [...text.matchAll(/^(?:import|export)\b([^"'`;]*?)(?:from )?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm)].map((match) => ({
    specifier: match[2] ?? match[3] ?? "",
    clause: (match[1] ?? "").trim(),
    line: lineAt(text, match.index + match[0].length),
  }));

export const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;
