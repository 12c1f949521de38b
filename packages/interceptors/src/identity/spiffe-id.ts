import type { ServicePrincipal } from "./principal.ts";

/** Whose certificates name our services: `spiffe://<trustDomain><path>/<service>`. */
export interface SpiffeOptions {
  /** The domain whose identities are ours, such as `tenon` or `cluster.local`. */
  trustDomain: string;
  /** What stands between it and the service's name, such as `/ns/shop/sa`; by default nothing. */
  path?: string;
}

/**
 * The service that a certificate's URI names stand for: the one name must be the id of a service of ours. A certificate with
 * several is nobody's, as the standard has it (X.509-SVID, 2), because it would be ours to choose who calls.
 *
 * Throws where the options make no SPIFFE id.
 */
export function spiffeReader({ trustDomain, path = "" }: SpiffeOptions) {
  if (!/^[a-z0-9._-]{1,255}$/.test(trustDomain)) {
    throw new Error(
      `auth: spiffe.trustDomain "${trustDomain}" is no name of lower-case letters, digits, dots and dashes`,
    );
  }
  if (!/^(\/[\w.-]+)*$/.test(path)) throw new Error(`auth: spiffe.path "${path}" is no path like /ns/shop/sa`);
  const prefix = `spiffe://${trustDomain}${path}/`;
  return (uris: readonly string[]): ServicePrincipal | undefined => {
    const [uri] = uris;
    if (uri === undefined || uris.length > 1 || !uri.startsWith(prefix)) return undefined;
    const name = uri.slice(prefix.length);
    return SERVICE_NAME.test(name) ? { kind: "service", name } : undefined;
  };
}

/** As in access rules, `service:<name>`. */
const SERVICE_NAME = /^[a-z][a-z0-9-]*$/;
