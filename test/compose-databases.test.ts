import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "@tenon/database/embedded";
import { createLogger } from "@tenon/logger";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";

const SCRIPT = new URL("../deploy/compose/databases.sh", import.meta.url);
const PASSWORD = "of-a-test";

/** What the script has psql run: for each service, and once for the server. */
async function readScript(): Promise<[ofService: string, ofServer: string]> {
  const [ofService, ofServer, ...more] = (await readFile(SCRIPT, "utf8")).matchAll(/<<'SQL'\n(.*?)\nSQL$/gms);
  if (!ofService?.[1] || !ofServer?.[1] || more.length > 0) throw new Error("databases.sh has other parts than two");
  return [ofService[1], ofServer[1]];
}

/** As psql does it: variables, and `\gexec`, which runs what its query gives. */
async function runAsPsql(admin: pg.Client, script: string, variables: Readonly<Record<string, string>>) {
  const filled = script
    .replaceAll(/:"(\w+)"/g, (_, name) => pg.escapeIdentifier(variables[name] ?? ""))
    .replaceAll(/:'(\w+)'/g, (_, name) => pg.escapeLiteral(variables[name] ?? ""));
  for (const [, statement = "", end] of filled.matchAll(/(.*?)(;|\\gexec)\s*/gs)) {
    const { rows } = await admin.query<Record<string, string>>(statement);
    if (end === "\\gexec") for (const made of rows.flatMap(Object.values)) await admin.query(made);
  }
}

async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

test("64: the databases of compose are each its own service's, and no other role reaches them", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tenon-databases-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const embedded = await startEmbedded({ directory, logger: createLogger({ name: "test", level: "silent" }) });
  onTestFinished(() => embedded.close());
  const admin = new pg.Client({ connectionString: embedded.adminUrl });
  await admin.connect();
  onTestFinished(() => admin.end());
  const [ofService, ofServer] = await readScript();
  const services = ["user", "order", "payment", "processor"];
  // Twice, as where a service was added since.
  for (const name of [...services, ...services]) await runAsPsql(admin, ofService, { name, verifier: PASSWORD });
  await runAsPsql(admin, ofServer, {});

  const url = (role: string, database: string) => {
    const target = new URL(embedded.adminUrl);
    Object.assign(target, { username: role, password: PASSWORD, pathname: `/${database}` });
    return target.href;
  };
  for (const role of services) {
    await ask(url(role, role), "create table mine (id int)");
    for (const other of [...services, "postgres", "template1"].filter((name) => name !== role)) {
      await expect(ask(url(role, other), "select 1")).rejects.toThrow(/permission denied for database/);
    }
    const rights = "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user";
    expect(await ask(url(role, role), rights)).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false }]);
  }
}, 60_000);
