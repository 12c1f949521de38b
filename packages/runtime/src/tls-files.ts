import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { StartError, systemReason } from "@tenon/errors";
import type { ClientTls, Renewable, ServerTls } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import { Counter, Gauge, type Registry } from "prom-client";
import type { ServiceConfig } from "./process-config.ts";

export type TlsConfig = Pick<
  ServiceConfig,
  "TLS_CERT_FILE" | "TLS_KEY_FILE" | "TLS_CA_FILE" | "TLS_CLIENT_CERTIFICATE" | "TLS_RELOAD_INTERVAL"
>;

export interface TlsFilesOptions {
  config: TlsConfig;
  logger: Logger;
  registry: Registry;
  now?: () => Date;
}

/** Certificates as files hold them, read again as they change. */
export interface TlsFiles {
  readonly server: Renewable<ServerTls>;
  readonly client: Renewable<ClientTls>;
  /** Looks at the files now; what is found wrong is told in the log, and the certificates stay as they were. */
  reload(): void;
  /** Looks no longer. */
  close(): void;
}

/**
 * TLS by the files that the configuration names; undefined where it names none. They are looked at every
 * TLS_RELOAD_INTERVAL: whoever renews them may write one after the other, because a key and a certificate that do not
 * match, are half written, have expired or do not hold yet are left alone until they do. Throws a StartError that names the
 * variable where the first ones cannot be used; where they only do not hold yet, by this machine's clock, it says so and goes on.
 */
export function createTlsFiles({
  config,
  logger,
  registry,
  now = () => new Date(),
}: TlsFilesOptions): TlsFiles | undefined {
  const files = filesOf(config);
  if (files === undefined) return undefined;
  const { certFile } = files;
  const read = () => readIdentity(files, now());
  let current = read();
  if (current.notBefore > now()) {
    const facts = { "tls.not_before": current.notBefore.toISOString() };
    logger.warn(
      facts,
      "the certificate does not hold yet, and others refuse it until then: is this machine's clock right?",
    );
  }
  const listeners = new Set<() => void>();

  const outcomes = reloadsOf(registry);
  const expiry = expiryOf(registry);
  const tellExpiry = () => expiry.set(current.notAfter.getTime() / 1000);
  tellExpiry();

  let told = "";
  function reload(): void {
    try {
      const found = read();
      if (found.text !== current.text && found.notBefore > now()) {
        throw new StartError(`TLS_CERT_FILE: ${certFile} does not hold before ${found.notBefore.toISOString()}`);
      }
      told = "";
      if (found.text === current.text) return;
      current = found;
      tellExpiry();
      outcomes.inc({ outcome: "taken" });
      logger.info({ "tls.not_after": current.notAfter.toISOString() }, "certificates are renewed");
      for (const listener of listeners) listener();
    } catch (error) {
      outcomes.inc({ outcome: "refused" });
      const reason = error instanceof Error ? error.message : String(error);
      // Once for each reason, however often it is looked at.
      if (told !== reason) logger.warn({ reason }, "new certificates cannot be used; the old ones stay");
      told = reason;
    }
  }
  const timer = setInterval(reload, config.TLS_RELOAD_INTERVAL).unref();

  function renewable<T extends object>(of: (identity: Identity) => T): Renewable<T> {
    let from: Identity | undefined;
    let made: T | undefined;
    return {
      get current() {
        if (made === undefined || from !== current) made = of(current);
        from = current;
        return made;
      },
      onRenewal(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  }

  return {
    server: renewable(({ cert, key, ca }) => ({
      ...{ cert, key, ca },
      ...(ca && { clientCertificate: config.TLS_CLIENT_CERTIFICATE }),
    })),
    client: renewable(({ cert, key, ca }) => ({ cert, key, ca })),
    reload,
    close: () => clearInterval(timer),
  };
}

/** Throws the StartError that `createTlsFiles` would throw now. */
export function checkTlsFiles(config: TlsConfig): void {
  const files = filesOf(config);
  if (files) readIdentity(files, new Date());
}

export type ClientTlsConfig = Pick<TlsConfig, "TLS_CERT_FILE" | "TLS_KEY_FILE" | "TLS_CA_FILE">;

/**
 * What a command needs that calls services and is over soon: read once. Without a certificate of its own it calls those that ask
 * for none. Undefined where no file is named; throws a StartError that names the variable where one cannot be used.
 */
export function readClientTls(config: ClientTlsConfig): ClientTls | undefined {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CA_FILE: caFile } = config;
  if (caFile && !certFile && !keyFile) return { ca: readPem("TLS_CA_FILE", caFile) };
  const files = filesOf(config);
  if (files === undefined) return undefined;
  const { cert, key, ca } = readIdentity(files, new Date());
  return { cert, key, ca };
}

/**
 * For the person who had a command call: what is wrong where an UNAVAILABLE is of a port that answers, but not as it was asked.
 * Undefined for every other one. Nothing of the transport's own text, which names libraries' insides.
 */
export function tlsHint({ message }: Error, { tls }: { tls: boolean }): string | undefined {
  if (!message.includes("No connection established") || /connect E\w+/.test(message)) return undefined;
  return tls
    ? "something listens there, but no connection by TLS comes about: do TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE fit it, and has it TLS?"
    : "something listens there, but not in the clear: if it has TLS, set TLS_CA_FILE, TLS_CERT_FILE and TLS_KEY_FILE as it has them";
}

interface FileNames {
  certFile: string;
  keyFile: string;
  caFile: string | undefined;
}

function filesOf(config: ClientTlsConfig): FileNames | undefined {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CA_FILE: caFile } = config;
  if (!certFile && !keyFile && !caFile) return undefined;
  if (!certFile || !keyFile) {
    throw new StartError("TLS_CERT_FILE and TLS_KEY_FILE belong together: set both, or neither and no TLS_CA_FILE");
  }
  return { certFile, keyFile, caFile };
}

interface Identity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** All of it, to be compared. */
  readonly text: string;
}

function readIdentity(files: FileNames, now: Date): Identity {
  const { certFile, keyFile, caFile } = files;
  const cert = readPem("TLS_CERT_FILE", certFile);
  const key = readPem("TLS_KEY_FILE", keyFile);
  const ca = caFile ? readPem("TLS_CA_FILE", caFile) : undefined;
  // Not the parser's words anywhere: they could quote a key.
  const leaf = attempt(`TLS_CERT_FILE: ${certFile} is not a certificate in PEM`, () => new X509Certificate(cert));
  const privateKey = attempt(`TLS_KEY_FILE: ${keyFile} is not a private key in PEM`, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new StartError(`TLS_KEY_FILE: ${keyFile} is not the key of the certificate in TLS_CERT_FILE, ${certFile}`);
  }
  if (ca && caFile) attempt(`TLS_CA_FILE: ${caFile} is not a certificate in PEM`, () => assertCertificates(ca));
  if (leaf.validToDate <= now) {
    throw new StartError(`TLS_CERT_FILE: ${certFile} has expired, at ${leaf.validToDate.toISOString()}`);
  }
  attempt(`TLS_CERT_FILE, TLS_KEY_FILE or TLS_CA_FILE: TLS takes no such certificate or key`, () =>
    createSecureContext({ cert, key, ...(ca && { ca }) }),
  );
  const { validFromDate: notBefore, validToDate: notAfter } = leaf;
  return { cert, key, ca, notBefore, notAfter, text: [cert, key, ca].join("\n") };
}

const PEM_BLOCK = /-----BEGIN ([\w ]+)-----[^-]+-----END \1-----/g;

/** All of it: of several roots TLS leaves out without a word what it cannot read, as where a file is not written to its end. */
function assertCertificates(pem: Buffer): void {
  const text = pem.toString("latin1");
  const blocks = text.match(PEM_BLOCK) ?? [];
  if (blocks.length === 0 || text.replaceAll(PEM_BLOCK, "").includes("---")) throw new Error("no whole PEM");
  for (const block of blocks) new X509Certificate(block);
}

function attempt<T>(refusal: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new StartError(refusal);
  }
}

function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StartError(`${variable}: ${path} cannot be read: ${systemReason(error)}`);
  }
}

const reloadsOf = (registry: Registry) =>
  new Counter({
    name: "tls_reloads_total",
    help: "Changes of certificate files: taken over, or refused because they cannot be used; the latter at each look.",
    labelNames: ["outcome"] as const,
    registers: [registry],
  });

const expiryOf = (registry: Registry) =>
  new Gauge({
    name: "tls_certificate_not_after_seconds",
    help: "When the certificate in use expires, in seconds since 1970.",
    registers: [registry],
  });
