import { mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import { expect, test } from "vitest";
import { ask, failureOf, madeDirectory, scratchDirectory, start } from "./embedded-fixture.ts";

/** A directory in which a server ran, changed by `damage`. */
async function damaged(damage: (data: string, directory: string) => Promise<unknown>): Promise<string> {
  const directory = await madeDirectory();
  await damage(join(directory, "cluster", "data"), directory);
  return directory;
}

const damages: [string, RegExp, (data: string, directory: string) => Promise<unknown>][] = [
  [
    "of another PostgreSQL",
    /it holds data of PostgreSQL 15, and this is 18\. Move it away, or delete it/,
    (data) => writeFile(join(data, "PG_VERSION"), "15\n"),
  ],
  ["without its password", /was not made by this program, or is damaged/, (data) => rm(join(data, "..", "password"))],
  [
    "with another password",
    /does not take the password kept beside it/,
    (data) => writeFile(join(data, "..", "password"), "wrong"),
  ],
  [
    "with a foreign folder in place of the cluster",
    /was not made by this program, or is damaged/,
    (data) => rm(data, { recursive: true }).then(() => mkdir(join(data, "photos"), { recursive: true })),
  ],
  ["without its control file", /does not start: .*pg_control/, (data) => rm(join(data, "global", "pg_control"))],
  ["with its log cut off", /does not start: .*checkpoint/, (data) => emptyEvery(join(data, "pg_wal"))],
  [
    "that is a PostgreSQL of its own",
    /it holds a PostgreSQL that is not ours/,
    async (data, directory) => {
      await rm(join(data, ".."), { recursive: true });
      await writeFile(join(directory, "PG_VERSION"), "18\n");
    },
  ],
  [
    "that is a file",
    /cannot be used: (EEXIST|ENOTDIR)/,
    async (_data, directory) => {
      await rm(directory, { recursive: true });
      await writeFile(directory, "");
    },
  ],
];

async function emptyEvery(folder: string): Promise<void> {
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  await Promise.all(files.map(({ name }) => truncate(join(folder, name))));
}

for (const [what, message, damage] of damages) {
  test(`a directory ${what} is one clear line that names it`, async () => {
    const directory = await damaged(damage);
    const error = await failureOf(start(directory));
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(directory);
    expect(error.message).not.toContain("\n");
  });
}

test("what a start that was killed half-way left is removed, and the start done anew", async () => {
  const directory = await scratchDirectory();
  const left = join(directory, "cluster.new-1999999999");
  await mkdir(join(left, "data"), { recursive: true });
  await writeFile(join(left, "data", "PG_VERSION"), "18\n");
  const { embedded } = await start(directory);
  expect(await ask(embedded.adminUrl, "select 1 as one")).toEqual({ one: 1 });
  expect((await readdir(directory)).sort()).toEqual(["cluster", "postgres.log"]);
});

test("a directory that cannot be made is one clear line", async () => {
  const error = await failureOf(start(join(process.execPath, "postgres")));
  expect(error).toBeInstanceOf(StartError);
  expect(error.message).toMatch(/^the database's directory .*postgres cannot be used: ENOTDIR/);
});
