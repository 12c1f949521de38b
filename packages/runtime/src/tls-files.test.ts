import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import type { Logger } from "@tenon/logger";
import { createTestAuthority } from "@tenon/testing";
import { Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { createTlsFiles, type TlsConfig } from "./tls-files.ts";

const authority = createTestAuthority();
const first = authority.issue(["order"]);
const second = authority.issue(["order"]);
const NEVER_MS = 2 ** 31 - 1;

/** Files of a test's own, what is said of them in the log, and the counts. */
function files() {
  const folder = mkdtempSync(join(tmpdir(), "tls-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = {
    TLS_CERT_FILE: join(folder, "tls.crt"),
    TLS_KEY_FILE: join(folder, "tls.key"),
    TLS_CA_FILE: join(folder, "ca.crt"),
    TLS_CLIENT_CERTIFICATE: "required" as const,
    TLS_RELOAD_INTERVAL: NEVER_MS,
  } satisfies TlsConfig;
  const write = ({ cert, key, ca }: { cert?: Buffer | string; key?: Buffer | string; ca?: Buffer | string }) => {
    if (cert !== undefined) writeFileSync(config.TLS_CERT_FILE, cert);
    if (key !== undefined) writeFileSync(config.TLS_KEY_FILE, key);
    if (ca !== undefined) writeFileSync(config.TLS_CA_FILE, ca);
  };
  write(first);
  writeFileSync(config.TLS_CA_FILE, authority.cert);
  const said: string[] = [];
  const say = (facts: object, message = "") => void said.push(`${message} ${JSON.stringify(facts)}`);
  const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
  const registry = new Registry();
  const start = (more: Partial<TlsConfig> = {}, now?: () => Date) => {
    const tls = createTlsFiles({ config: { ...config, ...more }, logger, registry, ...(now && { now }) });
    onTestFinished(() => tls?.close());
    return tls;
  };
  const count = async (outcome: string) => {
    const values = (await registry.getSingleMetric("tls_reloads_total")?.get())?.values ?? [];
    return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
  };
  return { config, write, said, start, count, registry };
}

test("without any file there is no TLS", () => {
  const none = { TLS_CERT_FILE: undefined, TLS_KEY_FILE: undefined, TLS_CA_FILE: undefined };
  expect(files().start(none)).toBeUndefined();
});

test("57: a renewed pair is taken over, told to who uses it, and counted", async () => {
  const { write, start, count, registry } = files();
  const tls = start();
  let renewals = 0;
  tls?.server.onRenewal(() => {
    renewals += 1;
  });
  expect(tls?.server.current).toMatchObject({ cert: first.cert, clientCertificate: "required" });
  write(second);
  tls?.reload();
  tls?.reload();
  expect(tls?.server.current.cert).toEqual(second.cert);
  expect(tls?.client.current).toEqual({ ...second, ca: authority.cert });
  expect(renewals).toBe(1);
  expect([await count("taken"), await count("refused")]).toEqual([1, 0]);
  const page = await registry.metrics();
  const until = Number(/^tls_certificate_not_after_seconds (\d+)/m.exec(page)?.[1]);
  expect(Math.abs(until - Date.now() / 1000 - 3600)).toBeLessThan(60);
});

test("files are looked at by themselves", async () => {
  const { write, start } = files();
  const tls = start({ TLS_RELOAD_INTERVAL: 5 });
  const renewed = new Promise<void>((resolve) => tls?.server.onRenewal(resolve));
  write(second);
  await renewed;
  expect(tls?.server.current.cert).toEqual(second.cert);
});

const half = (pem: Buffer) => pem.subarray(0, pem.length / 2);
const twoRoots = Buffer.concat([authority.cert, createTestAuthority("another root").cert]);
const inAMinute = new Date(Date.now() + 60_000);
for (const [what, change] of [
  ["a key that is not the certificate's", { cert: second.cert }],
  ["half a certificate", { ...second, cert: half(second.cert) }],
  [
    "a chain whose second certificate is half there",
    { ...second, cert: Buffer.concat([second.cert, half(authority.cert)]) },
  ],
  ["no key", { ...second, key: "" }],
  ["half a key", { ...second, key: half(second.key) }],
  ["half a root", { ...second, ca: half(authority.cert) }],
  ["a second root that is half there", { ...second, ca: twoRoots.subarray(0, -200) }],
  ["no root", { ...second, ca: "" }],
  ["what is no PEM", { cert: "PRIVATE: hunter2", key: "hunter2" }],
  ["one that has expired", authority.issue(["order"], { to: new Date(Date.now() - 1000) })],
  ["one that does not hold yet", authority.issue(["order"], { from: inAMinute })],
] as const) {
  test(`57: ${what} is left alone: the old pair stays, with one warning and a count`, async () => {
    const { write, start, said, count } = files();
    const tls = start();
    write(change);
    tls?.reload();
    tls?.reload();
    expect(tls?.server.current.cert).toEqual(first.cert);
    expect(said.filter((line) => line.includes("the old ones stay"))).toHaveLength(1);
    expect(said.join()).not.toContain("hunter2");
    expect(await count("refused")).toBe(2);
    write({ ...second, ca: twoRoots });
    tls?.reload();
    expect(tls?.server.current).toMatchObject({ cert: second.cert, ca: twoRoots });
  });
}

test("57: a certificate that holds from later on, by this machine's clock, is taken over then", () => {
  const { write, start } = files();
  let now = Date.now();
  const tls = start({}, () => new Date(now));
  const later = authority.issue(["order"], { from: new Date(now + 5 * 60_000) });
  write(later);
  tls?.reload();
  expect(tls?.server.current.cert).toEqual(first.cert);
  now += 6 * 60_000;
  tls?.reload();
  expect(tls?.server.current.cert).toEqual(later.cert);
});

test("a first certificate that does not hold yet is used, and the log says that clocks may be apart", () => {
  const { write, start, said } = files();
  const early = authority.issue(["order"], { from: new Date(Date.now() + 5 * 60_000) });
  write(early);
  expect(start()?.server.current.cert).toEqual(early.cert);
  expect(said).toEqual([expect.stringMatching(/does not hold yet.*clock.*tls.not_before/)]);
});

test("a file that has gone is left alone too", () => {
  const { config, start, said } = files();
  const tls = start();
  unlinkSync(config.TLS_KEY_FILE);
  tls?.reload();
  expect(tls?.server.current.cert).toEqual(first.cert);
  expect(said.join()).toContain("TLS_KEY_FILE");
});

for (const [what, more, message] of [
  ["a certificate without its key", { TLS_KEY_FILE: undefined }, "belong together"],
  ["roots without a certificate", { TLS_KEY_FILE: undefined, TLS_CERT_FILE: undefined }, "belong together"],
  ["a file that is not there", { TLS_CERT_FILE: "/nowhere/tls.crt" }, "TLS_CERT_FILE: /nowhere/tls.crt cannot be read"],
  ["a key that is no file", { TLS_KEY_FILE: tmpdir() }, `TLS_KEY_FILE: ${tmpdir()} cannot be read`],
  ["a root that is no file", { TLS_CA_FILE: tmpdir() }, `TLS_CA_FILE: ${tmpdir()} cannot be read`],
] as const) {
  test(`${what} stops the start`, () => {
    expect(() => files().start(more)).toThrow(StartError);
    expect(() => files().start(more)).toThrow(message);
  });
}

test("a first pair that does not fit stops the start, by its variable", () => {
  const { write, start } = files();
  write({ key: second.key });
  expect(start).toThrow(/^TLS_KEY_FILE: .* is not the key of the certificate in TLS_CERT_FILE/);
});
