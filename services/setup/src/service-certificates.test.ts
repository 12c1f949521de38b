import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "@tenon/errors";
import { expect, onTestFinished, test } from "vitest";
import { makeServiceCertificates } from "./service-certificates.ts";

const DAY_MS = 24 * 3_600_000;

function world() {
  const directory = mkdtempSync(join(tmpdir(), "service-certificates-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const read = (file: string) => readFileSync(join(directory, file), "utf8");
  return {
    directory,
    make: (lifetimeMs = DAY_MS) =>
      makeServiceCertificates({ directory, services: ["order", "gateway"], trustDomain: "tenon", lifetimeMs }),
    read,
    names: (owner: string) => new X509Certificate(read(`${owner}/tls.crt`)).subjectAltName,
    content: () =>
      readdirSync(directory, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(crt|key)$/.test(name))
        .sort()
        .map((name) => [name, read(name)]),
  };
}

test("each owner has its certificate, its key and the root, whose own key is nowhere else", async () => {
  const { make, content, read } = world();
  await make();
  const owned = (owner: string) => [`${owner}/ca.crt`, `${owner}/tls.crt`, `${owner}/tls.key`];
  expect(content().map(([name]) => name)).toEqual([
    "authority/tls.crt",
    "authority/tls.key",
    ...["client", "gateway", "order"].flatMap(owned),
  ]);
  const root = read("authority/tls.crt");
  for (const owner of ["client", "gateway", "order"]) {
    expect(read(`${owner}/ca.crt`)).toBe(root);
    const leaf = new X509Certificate(read(`${owner}/tls.crt`));
    expect(leaf.verify(new X509Certificate(root).publicKey), owner).toBe(true);
  }
});

test("a certificate proves its service; those of the gateway and of clients prove none", async () => {
  const { make, names } = world();
  await make();
  expect(names("order")).toBe("DNS:order, DNS:localhost, IP Address:127.0.0.1, URI:spiffe://tenon/order");
  expect(names("gateway")).toBe("DNS:gateway, DNS:localhost, IP Address:127.0.0.1");
  expect(names("client")).toBe("DNS:client, DNS:localhost, IP Address:127.0.0.1");
});

test("made again, nothing changes but what is missing", async () => {
  const { directory, make, content } = world();
  await make();
  const before = content();
  rmSync(join(directory, "order", "ca.crt"));
  await make();
  expect(content()).toEqual(before);
});

test("what is in the way of a directory is one clear line", async () => {
  const { directory, make } = world();
  writeFileSync(join(directory, "order"), "");
  const failure = make();
  await expect(failure).rejects.toThrow(StartError);
  await expect(failure).rejects.toThrow(/\/order\S* cannot be used: /);
});
