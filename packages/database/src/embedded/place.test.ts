import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { attach } from "./attach.ts";
import { locateBinaries } from "./binaries.ts";
import { openCluster } from "./cluster.ts";
import { scratchDirectory } from "./embedded-fixture.ts";
import { choosePlace } from "./place.ts";
import { stopPostmaster } from "./postmaster.ts";

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)(
  "root without user namespaces: binaries and data move, it says so, and PostgreSQL runs",
  async () => {
    const refuge = await mkdtemp(join(tmpdir(), "tenon-refuge-"));
    onTestFinished(() => rm(refuge, { recursive: true, force: true }));
    await chmod(refuge, 0o755);
    const directory = await scratchDirectory();
    const said: string[] = [];
    const options = { directory, binaries: await locateBinaries(), onProgress: (line: string) => void said.push(line) };
    const place = await choosePlace({ ...options, namespaces: false, refuge });
    expect(place).toMatchObject({ prefix: [], uid: expect.any(Number) });
    expect(place.uid).not.toBe(0);
    expect(said[0]).toContain(place.directory);
    const cluster = await openCluster(place, { durable: false, onProgress: () => {} });
    const server = await attach(cluster, { settings: { durable: false, maxConnections: 10 }, onProgress: () => {} });
    const { rows } = await server.admin.query("select 1 as one");
    expect(rows).toEqual([{ one: 1 }]);
    await stopPostmaster(cluster, server.pid);
    await server.admin.end();
    // The copy is made once.
    const again = await choosePlace({ ...options, namespaces: false, refuge });
    expect(again).toEqual(place);
  },
);

test.skipIf(!isRoot)("root with user namespaces stays where it is, under a name that the system has", async () => {
  const directory = await scratchDirectory();
  const place = await choosePlace({ directory, binaries: await locateBinaries(), onProgress: () => {} });
  expect(place).toMatchObject({ directory, prefix: ["unshare", "--user", expect.anything(), expect.anything()] });
});

test.skipIf(isRoot)("a user is used as it is", async () => {
  const directory = await scratchDirectory();
  const place = await choosePlace({ directory, binaries: await locateBinaries(), onProgress: () => {} });
  expect(place).toMatchObject({ directory, prefix: [] });
});
