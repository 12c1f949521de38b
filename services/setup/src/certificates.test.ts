import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "./certificates.ts";

const DAY_MS = 24 * 3_600_000;
const T0 = new Date("2026-11-01T12:00:00Z");
const later = (days: number) => new Date(T0.getTime() + days * DAY_MS);

function world() {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const filesOf = (name: string) => ({ cert: join(folder, name, "tls.crt"), key: join(folder, name, "tls.key") });
  const make = async (at: Date, names = ["order", "127.0.0.1"]) => {
    const made: string[] = [];
    const subjects = [{ ...filesOf("order"), names, uri: "spiffe://tenon/order" }];
    const onProgress = (line: string) => void made.push(line);
    await makeCertificates({ authority: filesOf("ca"), subjects, now: () => at, onProgress });
    return made;
  };
  const read = (name: string) => new X509Certificate(readFileSync(filesOf(name).cert));
  return { filesOf, make, read };
}

test("a service's certificate is signed by the root, for its names and its SPIFFE id, for seven days", async () => {
  const { make, read, filesOf } = world();
  expect(await make(T0)).toHaveLength(2);
  const [root, leaf] = [read("ca"), read("order")];
  expect(root.ca && leaf.checkIssued(root) && leaf.verify(root.publicKey)).toBe(true);
  expect([leaf.ca, leaf.checkHost("order"), leaf.checkIP("127.0.0.1")]).toEqual([false, "order", "127.0.0.1"]);
  expect(leaf.subjectAltName).toBe("DNS:order, IP Address:127.0.0.1, URI:spiffe://tenon/order");
  expect(leaf.validToDate).toEqual(later(7));
  expect(statSync(filesOf("order").key).mode & 0o777).toBe(0o600);
});

test("what is there is kept until half of its time is over", async () => {
  const { make, read } = world();
  await make(T0);
  const before = read("order").fingerprint256;
  expect(await make(later(3))).toEqual([]);
  expect(read("order").fingerprint256).toBe(before);
  expect(await make(later(4))).toEqual(["Making a certificate for spiffe://tenon/order"]);
  expect(read("order").validToDate).toEqual(later(11));
});

test("other names, or a key that is not its own, make another one", async () => {
  const { make, filesOf } = world();
  await make(T0);
  expect(await make(T0, ["order", "order.shop"])).toHaveLength(1);
  writeFileSync(filesOf("order").key, readFileSync(filesOf("ca").key));
  expect(await make(T0, ["order", "order.shop"])).toHaveLength(1);
});

test("a new root signs all anew", async () => {
  const { make, read } = world();
  await make(T0);
  expect(await make(later(200))).toHaveLength(2);
  expect(read("order").verify(read("ca").publicKey)).toBe(true);
});
