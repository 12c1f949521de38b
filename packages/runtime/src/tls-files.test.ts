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
  const write = ({ cert, key }: { cert?: Buffer | string; key?: Buffer | string }) => {
    if (cert !== undefined) writeFileSync(config.TLS_CERT_FILE, cert);
    if (key !== undefined) writeFileSync(config.TLS_KEY_FILE, key);
  };
  write(first);
  writeFileSync(config.TLS_CA_FILE, authority.cert);
  const said: string[] = [];
  const say = (facts: object, message = "") => void said.push(`${message} ${JSON.stringify(facts)}`);
  const logger: Logger = { debug: say, info: say, warn: say, error: say, child: () => logger };
  const registry = new Registry();
  const start = (more: Partial<TlsConfig> = {}) => {
    const tls = createTlsFiles({ config: { ...config, ...more }, logger, registry });
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

const half = second.cert.subarray(0, second.cert.length / 2);
for (const [what, change] of [
  ["a key that is not the certificate's", { cert: second.cert }],
  ["half a certificate", { ...second, cert: half }],
  ["no key", { ...second, key: "" }],
  ["what is no PEM", { cert: "PRIVATE: hunter2", key: "hunter2" }],
  ["one that has expired", authority.issue(["order"], { to: new Date(Date.now() - 1000) })],
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
    write(second);
    tls?.reload();
    expect(tls?.server.current.cert).toEqual(second.cert);
  });
}

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
