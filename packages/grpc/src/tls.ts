import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import { type ChannelCredentials, credentials, ServerCredentials } from "@grpc/grpc-js";
import { createRenewedCredentials } from "./renewed-credentials.ts";

/** How a server proves itself, and what it asks of its clients. PEM. */
export interface ServerTls {
  /** The server's certificate, and those between it and the root. */
  cert: Buffer;
  key: Buffer;
  /** Roots for clients' certificates. Without them no client is asked for one. */
  ca?: Buffer | undefined;
  /** With `ca`: whether a client must have a certificate; by default it must. One that `ca` did not sign is never taken. */
  clientCertificate?: "required" | "optional" | undefined;
  /** The oldest version spoken; by default TLS 1.3. */
  minVersion?: TlsVersion | undefined;
}

/** How a client knows the server, and proves itself. PEM. */
export interface ClientTls {
  /** Roots for the server's certificate; by default those that come with Node. */
  ca?: Buffer | undefined;
  /** The client's own certificate, for servers that ask for one; with its `key`. */
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** The oldest version spoken; by default TLS 1.3. */
  minVersion?: TlsVersion | undefined;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

const MIN_VERSION: TlsVersion = "TLSv1.3";

/** What is renewed while it is used. A connection keeps what it began with; the next one has the newest. */
export interface Renewable<T> {
  readonly current: T;
  /** Calls back after each renewal, until the function that it returns is called. */
  onRenewal(listener: () => void): () => void;
}

export interface ServerTlsCredentials {
  readonly credentials: ServerCredentials;
  /** Heeds renewals no longer. */
  release(): void;
}

/** Throws where certificate and key do not fit or cannot be read. Of a renewal only `cert`, `key` and `ca` are taken over. */
export function createServerCredentials(tls: ServerTls | Renewable<ServerTls> | undefined): ServerTlsCredentials {
  const release = () => {};
  if (tls === undefined) return { credentials: ServerCredentials.createInsecure(), release };
  const first = isRenewable(tls) ? tls.current : tls;
  assertPairs(first);
  if (first.clientCertificate && !first.ca)
    throw new Error("tls: clientCertificate needs ca, the roots to check it by");
  const credentials = new TlsServerCredentials(first);
  if (!isRenewable(tls)) return { credentials, release };
  return { credentials, release: tls.onRenewal(() => credentials.renew(tls.current)) };
}

/** Throws where certificate and key do not fit or cannot be read. */
export function createClientCredentials(tls: ClientTls | Renewable<ClientTls> | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  if (!isRenewable(tls)) {
    const context = assertPairs(tls);
    return createRenewedCredentials(() => context);
  }
  let context: SecureContext | undefined;
  let of: ClientTls | undefined;
  assertPairs(tls.current);
  return createRenewedCredentials(() => {
    if (of !== tls.current || context === undefined) context = assertPairs(tls.current);
    of = tls.current;
    return context;
  });
}

const isRenewable = <T extends object>(tls: T | Renewable<T>): tls is Renewable<T> => "onRenewal" in tls;

/** A connection whose certificate was offered and is not good, where none is needed either: TLS has let it through. */
export const hasBadCertificate = (socket: TLSSocket): boolean =>
  !socket.authorized && Object.keys(socket.getPeerCertificate() ?? {}).length > 0;

/** grpc-js's own take neither a version nor a certificate that may be missing. */
class TlsServerCredentials extends ServerCredentials {
  constructor(tls: ServerTls) {
    const requestCert = tls.ca !== undefined;
    const rejectUnauthorized = requestCert && tls.clientCertificate !== "optional";
    super({ requestCert, rejectUnauthorized, minVersion: tls.minVersion ?? MIN_VERSION }, contextOptionsOf(tls));
  }
  renew(tls: ServerTls): void {
    this.updateSecureContextOptions(contextOptionsOf(tls));
  }
  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

const contextOptionsOf = ({ ca, cert, key, minVersion = MIN_VERSION }: ClientTls): SecureContextOptions => ({
  minVersion,
  ...(ca && { ca }),
  ...(cert && { cert }),
  ...(key && { key }),
});

function assertPairs(tls: ClientTls): SecureContext {
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new Error("tls: cert and key belong together");
  try {
    return createSecureContext(contextOptionsOf(tls));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw new Error(`tls: certificate, key or ca cannot be used: ${why}`, { cause });
  }
}
