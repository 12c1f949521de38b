// @peculiar/x509 wants it before itself.
import "reflect-metadata";
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as x509 from "@peculiar/x509";
import { readIfThere, writeWhole } from "./whole-file.ts";

/** A certificate and its key, as files of PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Whom a certificate is for. */
export interface CertificateSubject extends CertificateFiles {
  /** What it is reached by: DNS names and IP addresses. */
  readonly names: readonly string[];
  /** What it proves to those that it calls, as `spiffe://tenon/order`; by default nothing. */
  readonly uri?: string;
}

export interface CertificatesOptions {
  /** The root that signs all others: made where there is none. Its key belongs nowhere else. */
  authority: CertificateFiles;
  subjects: readonly CertificateSubject[];
  /** How long a certificate holds; by default 7 days. The root holds for a year. */
  lifetimeMs?: number;
  /** Hears what is made. */
  onProgress?: (line: string) => void;
  now?: () => Date;
}

const DAY_MS = 24 * 3_600_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Clocks of several machines are not the same. */
const SKEW_MS = 5 * 60_000;

/**
 * A root and certificates for one machine or one development cluster; in production they come from outside. What is there is
 * kept, unless half of its time is over, its root is another one now, or it is for other names. Keys are for their owner only.
 * Rejects with the system's error where it cannot write.
 */
export async function makeCertificates(options: CertificatesOptions): Promise<void> {
  const { authority, subjects, lifetimeMs = 7 * DAY_MS, onProgress, now = () => new Date() } = options;
  let root = await readPair(authority);
  if (root === undefined || !isFresh(root.certificate, now())) {
    onProgress?.("Making a root for certificates");
    root = await makeRoot(authority, now());
  }
  for (const subject of subjects) {
    const pair = await readPair(subject);
    const holds = pair && isFresh(pair.certificate, now()) && pair.certificate.verify(root.certificate.publicKey);
    if (holds && alternativesOf(pair.certificate) === alternativesOf(subject)) continue;
    onProgress?.(`Making a certificate for ${subject.uri ?? subject.names.join(", ")}`);
    await issue(subject, root, now(), lifetimeMs);
  }
}

interface Pair {
  readonly certificate: X509Certificate;
  readonly key: string;
}

/** Undefined where a file is missing, or the two do not fit. */
async function readPair({ cert, key }: CertificateFiles): Promise<Pair | undefined> {
  const texts = [await readIfThere(cert), await readIfThere(key)] as const;
  try {
    const certificate = new X509Certificate(texts[0]);
    return certificate.checkPrivateKey(createPrivateKey(texts[1])) ? { certificate, key: texts[1] } : undefined;
  } catch {
    return undefined;
  }
}

function isFresh({ validFromDate: from, validToDate: to }: X509Certificate, now: Date): boolean {
  return from <= now && to.getTime() - now.getTime() > (to.getTime() - from.getTime()) / 2;
}

/** The names in one order, to be compared. */
function alternativesOf(of: X509Certificate | CertificateSubject): string {
  if (of instanceof X509Certificate) return (of.subjectAltName ?? "").split(", ").sort().join();
  const names = of.names.map((name) => (isAddress(name) ? `IP Address:${name}` : `DNS:${name}`));
  return [...names, ...(of.uri === undefined ? [] : [`URI:${of.uri}`])].sort().join();
}

const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);

async function makeRoot(files: CertificateFiles, now: Date): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=tenon development root",
    notBefore: new Date(now.getTime() - SKEW_MS),
    notAfter: new Date(now.getTime() + 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return write(files, certificate, keys.privateKey);
}

async function issue(subject: CertificateSubject, root: Pair, now: Date, lifetimeMs: number): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const issuer = new x509.X509Certificate(root.certificate.raw);
  const der = createPrivateKey(root.key).export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  const alternatives: x509.JsonGeneralNames = subject.names.map((value) => ({
    type: isAddress(value) ? "ip" : "dns",
    value,
  }));
  if (subject.uri !== undefined) alternatives.push({ type: "url", value: subject.uri });
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${subject.names[0] ?? "nobody"}`,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - SKEW_MS),
    notAfter: new Date(now.getTime() + lifetimeMs),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension(alternatives),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  await write(subject, certificate, keys.privateKey);
}

/** The key first: whoever reads between the two sees a pair that does not fit, and waits for one that does. */
async function write(
  files: CertificateFiles,
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<Pair> {
  const pem = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
  for (const file of [files.cert, files.key]) await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(files.key, pem.trimEnd());
  await writeWhole(files.cert, certificate.toString("pem").trimEnd(), { mode: 0o644 });
  return { certificate: new X509Certificate(Buffer.from(certificate.rawData)), key: pem };
}

/** Positive, as RFC 5280 wants it. */
const serialNumber = (): string => `01${randomBytes(15).toString("hex")}`;
