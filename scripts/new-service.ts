// make new-service name=inventory [resource=item] [plural=items]: a service that is whole by the rules of this repository.
// Either everything is written or nothing: what fails on the way is taken back.
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { besideGreeter, type Newcomer } from "./beside-greeter.ts";
import { chooseWords, reword, type ServiceWords, type Taken } from "./service-words.ts";

const root = join(import.meta.dirname, "..");
const template = join(root, "templates/service");
const PROGRAM_FILES = "{bench,packages,scripts,services,test}/**/*.ts";

/** Names that mean something else to databases, certificates and contracts. */
const OTHER_NAMES = ["operator", "postgres", "template", "tests", "nats", "google", "buf", "live", "ca"];

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const say = (line: string) => process.stderr.write(`${line}\n`);
const filesIn = (pattern: string, cwd: string): string[] =>
  globSync(pattern, { cwd, exclude: (name) => ["node_modules", "gen", ".data"].includes(name) }).filter((path) =>
    /\.\w+$/.test(path),
  );

function whatIsTaken(): Taken {
  return {
    names: [...readdirSync(join(root, "services")), ...readdirSync(join(root, "proto")), ...OTHER_NAMES],
    files: filesIn(PROGRAM_FILES, root).map((path) => basename(path)),
    routes: filesIn("proto/**/*.proto", root).flatMap((path) =>
      [...read(path).matchAll(/"\/v1\/(\w+)/g)].map(([, plural = ""]) => plural),
    ),
    template: filesIn("**/*", template)
      .map((path) => readFileSync(join(template, path), "utf8"))
      .join("\n"),
  };
}

/** Behind the highest port of gRPC that a service has; the gateway's is not among them. */
function nextPort(): number {
  const taken = filesIn("services/*/src/config.ts", root).flatMap((path) =>
    [...read(path).matchAll(/serviceConfig\(\{ port: (\d+) \}\)/g)].map(([, port]) => Number(port)),
  );
  return Math.max(...taken) + 1;
}

/** Every file that is written, by its path, as it will be. */
function plan(words: ServiceWords, newcomer: Newcomer): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const path of filesIn("**/*", template)) {
    const text = reword(readFileSync(join(template, path), "utf8"), words);
    files.set(reword(path, words), text.replace("port: 8080", `port: ${newcomer.port}`));
  }
  const { name } = newcomer;
  const edit = (path: string, change: (text: string) => string = (text) => text) => {
    try {
      files.set(path, change(besideGreeter(read(path), newcomer)));
    } catch (error) {
      throw new Error(`${path} is not as it is expected to be: ${(error as Error).message}`);
    }
  };
  // Whoever lets users in asks the user service for its keys.
  edit("services/platform/src/platform-services.ts", (text) =>
    replaceOnce(text, { behind: `service("${name}"`, from: "calls: [],", to: 'calls: ["user"],' }),
  );
  edit("docker-compose.yml", (text) =>
    replaceOnce(text, {
      behind: `SERVICE: ${name} }`,
      from: "environment: *environment",
      to: "environment:\n      <<: *environment\n      USER_TARGET: dns:///user:8081",
    }),
  );
  edit("docker-compose.mtls.yml");
  edit("services/gateway/src/config.ts", (text) => text.replace(`the ${name} is"`, `the ${name} service is"`));
  edit("services/gateway/src/gateway-services.ts");
  edit("services/platform/package.json");
  edit("services/setup/src/config.ts");
  edit("test/package.json");
  files.set("README.md", withRow(read("README.md"), newcomer, words));
  return files;
}

/** The first `from` behind a text becomes `to`. */
function replaceOnce(text: string, { behind, from, to }: { behind: string; from: string; to: string }): string {
  const start = text.indexOf(behind);
  const at = start === -1 ? -1 : text.indexOf(from, start);
  if (at === -1) throw new Error(`"${from}" does not stand behind "${behind}"`);
  return text.slice(0, at) + to + text.slice(at + from.length);
}

/** README's table of services, with one more. */
function withRow(readme: string, { name, port }: Newcomer, { plural }: ServiceWords): string {
  const row = /^\| processor .*\n/m.exec(readme)?.[0];
  if (row === undefined) throw new Error("README.md is not as it is expected to be: it has no table of services");
  const cells = [name, port, port + 1000, `${plural} of its users`];
  const widths = row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.length - 2);
  const added = cells.map((cell, i) => ` ${String(cell).padEnd(widths[i] ?? 0)} `).join("|");
  return readme.replace(row, () => `${row}|${added}|\n`);
}

function run(program: string, ...args: string[]): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")}\n${error?.message ?? `${stdout}${stderr}`}`.trimEnd());
}

/** Made of what was written, each by what makes it always. */
function derive(written: readonly string[]): void {
  say("Linking its packages...");
  run("make", "lockfile");
  say("Generating from its contract...");
  run("make", "generate");
  run("biome", "check", "--write", "--linter-enabled=false", ...written.filter((path) => /\.(ts|json|md)$/.test(path)));
  run("buf", "format", "--write", "proto");
  run("make", "openapi");
  say("Writing manifests, what is scraped, and the table of configuration...");
  const tests = ["test/configuration.test.ts", "test/kubernetes", "test/scraping.test.ts"];
  const writing = "as it is made|what the contracts say|is scraped|what the services declare";
  run("vitest", "run", "--update", "--testNamePattern", writing, ...tests);
}

const git = (...args: string[]) => run("git", ...args);

/** The tree was clean, so that what git sees is ours; and what was made of it is to be made again. */
function takeBack(name: string): void {
  git("restore", "--staged", "--worktree", ".");
  git("clean", "-dfq");
  for (const path of [`services/${name}`, "node_modules/.installed", "packages/contracts/gen/.generated"]) {
    rmSync(join(root, path), { recursive: true, force: true });
  }
}

function main(): number {
  const options = { name: { type: "string" }, resource: { type: "string" }, plural: { type: "string" } } as const;
  const words = chooseWords(parseArgs({ options }).values, whatIsTaken());
  if (typeof words === "string") return refuse(words);
  if (spawnSync("git", ["rev-parse", "--git-dir"], { cwd: root }).status !== 0) {
    return refuse("this is no git repository, in which it could be seen and taken back what is written");
  }
  if (git("status", "--porcelain") !== "") {
    return refuse("git shows changes: commit or stash them first, so that what is written here stands alone");
  }
  const newcomer = { name: words.name, port: nextPort() };
  let files: ReadonlyMap<string, string>;
  try {
    files = plan(words, newcomer);
  } catch (error) {
    return refuse((error as Error).message);
  }
  // Ctrl-C ends the program that runs; then all is taken back, as after any failure.
  process.once("SIGINT", () => {});
  try {
    for (const [path, text] of files) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    derive([...files.keys()]);
  } catch (error) {
    takeBack(words.name);
    return refuse(`${(error as Error).message}\nnothing was written`);
  }
  tellWhatIsNext(words, newcomer);
  return 0;
}

function refuse(why: string): number {
  process.stderr.write(`new-service: ${why}\n`);
  return 1;
}

function tellWhatIsNext({ name, plural }: ServiceWords, { port }: Newcomer): void {
  process.stdout.write(`The ${name} service is there, on port ${port}, and keeps ${plural}.

  its contract, to begin with: proto/${name}/v1/${name}_service.proto
  its rules: services/${name}/src/${name}-service.ts
  to call it: make run, then /v1/${plural} on the gateway, or grpcurl

make check passes as it is.
`);
}

process.exitCode = main();
