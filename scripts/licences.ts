// Which licences production stands under: every package that a service installs, by its own package.json. Nothing is asked of
// the network, so that the answer is the same everywhere. Ends with code 1 where one is not allowed.
import { existsSync, globSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { isAllowed, licenceOf, type PackageFile } from "./licence-terms.ts";

const root = join(import.meta.dirname, "..");

interface Installed {
  readonly folder: string;
  readonly file: PackageFile;
}

const read = (folder: string): Installed => ({
  folder,
  file: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
});

/** Where a package finds another, as Node looks for it; undefined where it is not installed. */
function find(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", name);
    if (existsSync(join(found, "package.json"))) return realpathSync(found);
    if (dirname(folder) === folder) return undefined;
  }
}

/** What services need when they run, and what that needs. Optional packages of other systems are not there. */
function production(): readonly Installed[] {
  const found = new Map<string, Installed>();
  const waiting = globSync("services/*/package.json", { cwd: root }).map((path) => join(root, dirname(path)));
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue;
    const installed = read(folder);
    found.set(folder, installed);
    const { dependencies = {}, optionalDependencies = {} } = installed.file;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const next = find(name, folder);
      if (next !== undefined) waiting.push(next);
      else if (!(name in optionalDependencies))
        throw new Error(`${installed.file.name} needs ${name}: run make install`);
    }
  }
  return [...found.values()];
}

const foreign = production().filter(({ folder }) => folder.includes("/node_modules/"));
const refused = foreign.filter(({ file }) => !isAllowed(licenceOf(file)));
for (const { file } of refused) {
  process.stderr.write(`${file.name} ${file.version} stands under ${licenceOf(file) ?? "no licence that it names"}\n`);
}
const counts = new Map<string, number>();
for (const { file } of foreign) counts.set(licenceOf(file) ?? "?", (counts.get(licenceOf(file) ?? "?") ?? 0) + 1);
const sorted = [...counts].sort(([, a], [, b]) => b - a).map(([licence, count]) => `${count} ${licence}`);
process.stdout.write(`${foreign.length} packages in production: ${sorted.join(", ")}\n`);
if (refused.length > 0) process.exitCode = 1;
