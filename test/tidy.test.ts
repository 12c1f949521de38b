import { expect, test } from "vitest";
import { readSourceFiles, type SourceFile } from "./source-files.ts";
import { type Finding, RULES, type Rule } from "./tidy-rules.ts";

const files = readSourceFiles();

const tell = (rule: Rule, findings: readonly Finding[]): string =>
  findings.map(({ path, line, what }) => `\n  ${path}:${line} ${what} (${rule.reason})`).join("");

test("there is something to look at", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.map(({ path }) => path)).toContain("test/tidy.test.ts");
});

for (const rule of RULES) {
  test(rule.name, () => {
    const findings = rule.check(files);
    expect(findings.length, tell(rule, findings)).toBe(0);
  });
}

/** The line that a rule finds in a file, or nothing. */
function linesFound(name: string, ...sources: readonly (readonly [path: string, text: string])[]): number[] {
  const rule = RULES.find((rule) => rule.name === name);
  if (rule === undefined) throw new Error(`there is no rule "${name}"`);
  return rule.check(sources.map(([path, text]): SourceFile => ({ path, text }))).map(({ line }) => line);
}

const SERVICE = "services/user/src/user-service.ts";
const HANDLER = "services/user/src/user-handler.ts";

for (const [name, path, text, lines] of [
  ["only packages/grpc knows the transport", HANDLER, '\nimport { Metadata } from "@grpc/grpc-js";\n', [2]],
  ["only packages/grpc knows the transport", HANDLER, 'import {\n  Metadata,\n} from "@grpc/grpc-js";\n', [3]],
  ["only packages/grpc knows the transport", HANDLER, 'const { Server } = await import("@grpc/grpc-js");', [1]],
  ["only packages/grpc knows the transport", HANDLER, 'import "grpc-health-check";', [1]],
  ["only packages/grpc knows the transport", "packages/grpc/src/x.ts", 'import { Server } from "@grpc/grpc-js";', []],
  ["only packages/grpc knows the transport", "bench/calls.ts", 'import { Server } from "@grpc/grpc-js";', []],
  ["rules know neither wire nor storage", SERVICE, 'import type { Kysely } from "kysely";', [1]],
  ["rules know neither wire nor storage", SERVICE, 'import * as userv1 from "@tenon/contracts/user/v1";', [1]],
  ["rules know neither wire nor storage", SERVICE, 'import { once } from "@tenon/database";', [1]],
  ["rules know neither wire nor storage", SERVICE, 'import type { Page } from "@tenon/database";', []],
  ["rules know neither wire nor storage", SERVICE, 'import { StatusError } from "@tenon/errors";', []],
  ["rules know neither wire nor storage", HANDLER, 'import * as userv1 from "@tenon/contracts/user/v1";', []],
  ["rules are told the time and their ids", SERVICE, "const at = new Date();", [1]],
  ["rules are told the time and their ids", SERVICE, "\nconst id = crypto.randomUUID();", [2]],
  ["rules are told the time and their ids", SERVICE, 'import { createHash, randomUUID } from "node:crypto";', [1]],
  ["rules are told the time and their ids", SERVICE, 'import { createHash } from "node:crypto";', []],
  ["rules are told the time and their ids", SERVICE, "const at = new Date(now().getTime() + 1000);", []],
  ["rules are told the time and their ids", HANDLER, "const at = new Date();", []],
  ["only config.ts reads the environment", HANDLER, "\n\nconst port = process.env.PORT;", [3]],
  ["only config.ts reads the environment", HANDLER, "const port = `${" + "process.env.PORT}`;", [1]],
  ["only config.ts reads the environment", HANDLER, "// not process.env\n/* nor\n process.env */", []],
  ["only config.ts reads the environment", "services/user/src/config.ts", "const port = process.env.PORT;", []],
  ["nothing writes to the console", HANDLER, 'console.log("x");', [1]],
  ["nothing writes to the console", HANDLER, "console\n  .warn();", [1]],
  ["nothing writes to the console", HANDLER, 'const text = "console.log";', []],
  ["wire types come by their namespace", HANDLER, 'import { User } from "@tenon/contracts/user/v1";', [1]],
  ["wire types come by their namespace", HANDLER, 'import * as user from "@tenon/contracts/user/v1";', [1]],
  ["wire types come by their namespace", HANDLER, 'export * from "@tenon/contracts/user/v1";', [1]],
  ["wire types come by their namespace", HANDLER, 'import type * as userv1 from "@tenon/contracts/user/v1";', []],
  ["packages know only those below them", "packages/grpc/src/x.ts", 'import { auth } from "@tenon/interceptors";', [1]],
  ["packages know only those below them", "packages/config/src/x.ts", 'import type { L } from "@tenon/logger";', [1]],
  ["packages know only those below them", "packages/grpc/src/x.ts", 'import { startUser } from "@tenon/user";', [1]],
  ["packages know only those below them", HANDLER, 'import { startOrder } from "@tenon/order";', [1]],
  ["packages know only those below them", HANDLER, 'import { implement } from "@tenon/grpc";', []],
  ["packages know only those below them", "services/platform/src/x.ts", 'import { startUser } from "@tenon/user";', []],
  ["packages know only those below them", "packages/grpc/src/x.test.ts", 'import { x } from "@tenon/testing";', []],
  [
    "packages are entered by their door",
    "packages/grpc/src/x.ts",
    'import { x } from "../../errors/src/code.ts";',
    [1],
  ],
  ["packages are entered by their door", "packages/grpc/src/a/x.ts", 'import { x } from "../call.ts";', []],
  ["packages are entered by their door", "test/x.ts", 'import { x } from "../services/user/src/user.ts";', [1]],
  ["names say what is inside", "packages/grpc/src/utils.ts", "", [1]],
  ["names say what is inside", "packages/grpc/src/error-types.ts", "", [1]],
  ["names say what is inside", "packages/grpc/src/helpers/x.ts", "", [1]],
  ["names say what is inside", "packages/grpc/src/database-utility.ts", "", []],
  ["a file fits in the head", HANDLER, "x();\n".repeat(301), [301]],
  ["a file fits in the head", HANDLER, "x();\n".repeat(300), []],
  ["nothing is left for later", HANDLER, "x();\n// TO" + "DO: y", [2]],
  ["no test is passed over in silence", "test/x.test.ts", 'test.only("x", () => {});', [1]],
  ["no test is passed over in silence", "test/x.test.ts", 'describe.skip("x", () => {});', [1]],
  ["no test is passed over in silence", "test/x.test.ts", "context.skip();", [1]],
  ["no test is passed over in silence", "test/x.test.ts", 'test.skipIf(!isRoot)("as root, x", () => {});', []],
  ["no test is passed over in silence", "test/x.test.ts", 'context.skip("needs grpcurl");', []],
] as const) {
  test(`${name}: ${JSON.stringify(text.length > 80 ? `${text.length} characters` : text)} in ${path}`, () => {
    expect(linesFound(name, [path, text])).toEqual(lines);
  });
}

test("two files of one name are found, main.ts and its like are not", () => {
  const name = "a file's name is its own";
  expect(linesFound(name, ["packages/a/src/x.ts", ""], ["packages/b/src/x.ts", ""])).toEqual([1]);
  expect(linesFound(name, ["services/a/src/main.ts", ""], ["services/b/src/main.ts", ""])).toEqual([]);
});

for (const [what, fixture, text] of [
  ["by what it loads", "a-world", 'import { testDatabase } from "@tenon/testing";\n'],
  ["by its name", "a-fixture", ""],
] as const) {
  test(`what serves tests ${what} may be used by tests, not by a service`, () => {
    const name = "what serves tests stays with tests";
    const file = [`services/a/src/${fixture}.ts`, text] as const;
    const use = `import { rig } from "./${fixture}.ts";\n`;
    expect(linesFound(name, file, ["services/a/src/a.ts", use])).toEqual([1]);
    expect(linesFound(name, file, ["services/a/src/a.test.ts", use])).toEqual([]);
  });
}

test("a service uses no test", () => {
  const sources = [
    ["services/a/src/a.ts", 'import { x } from "./x.test.ts";\n'],
    ["services/a/src/x.test.ts", ""],
  ] as const;
  expect(linesFound("what serves tests stays with tests", ...sources)).toEqual([1]);
});
