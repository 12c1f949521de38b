// Makes npm tarballs of the packages that stand alone: JavaScript with declarations, for any Node application. An argument
// says where; else they are in .data/packages.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** From the lowest up. None needs a contract of ours. */
const PACKAGES = ["errors", "options", "logger", "grpc", "interceptors"];

const root = join(import.meta.dirname, "..");
const packages = join(root, "packages");
const out = resolve(process.argv[2] ?? join(root, ".data/packages"));
const build = join(out, "build");

interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  publishConfig?: { exports: unknown };
  [field: string]: unknown;
}

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const writeJson = (file: string, value: unknown) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

function must(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  process.stderr.write(`${program} ${args.join(" ")} failed: ${error?.message ?? ""}\n${stdout}${stderr}\n`);
  process.exit(1);
}

/** What the packages' doors lead to, and nothing else: tests and fixtures stay here. */
function compile(): void {
  mkdirSync(build, { recursive: true });
  const files = PACKAGES.flatMap((name) => {
    const door = join(packages, name, "src/index.ts");
    return existsSync(door)
      ? door
      : globSync("gen/**/*.ts", { cwd: join(packages, name) }).map((file) => join(packages, name, file));
  });
  const compilerOptions = {
    noEmit: false,
    target: "es2023",
    lib: ["es2023", "es2024.string"], // what Node 20 has; newer words do not compile
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: packages,
    outDir: join(build, "js"),
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeJson(join(build, "tsconfig.json"), {
    extends: join(root, "tsconfig.json"),
    compilerOptions,
    files,
    include: [],
  });
  must(root, "tsc", "-p", build);
  // the compiler rewrites imports in JavaScript only
  for (const file of globSync("js/**/*.d.ts", { cwd: build }).map((file) => join(build, file))) {
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/((?:from|import\()\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}

/** A range for a dependency of the workspace: what is installed here, or later. */
function rangeOf(name: string, from: string): string {
  const { version } = readManifest(join(from, "node_modules", name));
  if (name.startsWith("@tenon/")) return version;
  // the bridge's defences know private fields of it
  return `${name === "@grpc/grpc-js" ? "~" : "^"}${version}`;
}

function toPublished(folder: string): Manifest {
  const { private: _, devDependencies: __, publishConfig, dependencies = {}, ...manifest } = readManifest(folder);
  if (!publishConfig) throw new Error(`${manifest.name} says nothing of how it is published`);
  const ranges = Object.keys(dependencies).map((name) => [name, rangeOf(name, folder)]);
  return { ...manifest, ...publishConfig, dependencies: Object.fromEntries(ranges) };
}

function pack(name: string): string {
  const [from, to] = [join(packages, name), join(build, name)];
  mkdirSync(to, { recursive: true });
  const compiled = ["src", "gen"].map((folder) => join(build, "js", name, folder)).find(existsSync);
  cpSync(compiled ?? "", join(to, "dist"), { recursive: true });
  if (existsSync(join(from, "README.md"))) cpSync(join(from, "README.md"), join(to, "README.md"));
  cpSync(join(root, "LICENSE"), join(to, "LICENSE"));
  writeJson(join(to, "package.json"), toPublished(from));
  return must(to, "npm", "pack", "--silent", "--pack-destination", out).trim();
}

for (const old of [build, ...globSync(join(out, "tenon-*.tgz"))]) rmSync(old, { recursive: true, force: true });
compile();
for (const name of PACKAGES) process.stdout.write(`${join(out, pack(name))}\n`);
rmSync(build, { recursive: true });
