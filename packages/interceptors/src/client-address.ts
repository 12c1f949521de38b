import { BlockList, isIP } from "node:net";
import { type Call, createContextKey, type Interceptor, NO_HOOKS } from "@tenon/grpc";
import { toPeerAddress } from "./telemetry/peer-address.ts";

export interface ClientAddressOptions {
  /**
   * Who is believed about the client behind a call: addresses and subnets of our own proxies (`10.0.0.0/8`, `::1`), or `unix`
   * for peers on a Unix socket. Peers in this process always are.
   */
  trustedProxies: readonly string[];
  /** Where proxies append whom they serve; by default `x-forwarded-for`. */
  header?: string;
}

/** Longer lists come from nobody's proxies. */
const MAX_HOPS = 32;

/** Where `clientAddress` leaves the address. */
export const clientAddressKey = createContextKey<string>("client address", "");

/**
 * The address that a call comes from, without port: as `clientAddress` found, else that of the peer. A Unix socket's path,
 * or `in-process`, where there is no address.
 */
export const clientAddressOf = (call: Pick<Call, "values" | "peer">): string =>
  call.values.get(clientAddressKey) || (toPeerAddress(call.peer)?.address ?? call.peer);

/**
 * Finds out on a server whom a call comes from behind proxies: the last in the header that is none of ours. Further to the
 * left stands whatever the caller wrote there. Throws where one of `trustedProxies` is no address or subnet.
 */
export function clientAddress({ trustedProxies, header = "x-forwarded-for" }: ClientAddressOptions): Interceptor {
  const find = createClientFinder({ trustedProxies });
  return function clientAddress(call) {
    if (call.side === "client") return NO_HOOKS;
    return {
      onStart() {
        const peer = toPeerAddress(call.peer)?.address ?? call.peer;
        call.values.set(clientAddressKey, find(peer, call.requestMetadata.get(header).map(String)));
      },
    };
  };
}

/**
 * The same for whatever is no call: of the address of a peer, without a port, and the values of the header. Throws where one of
 * `trustedProxies` is no address or subnet.
 */
export function createClientFinder({ trustedProxies }: Pick<ClientAddressOptions, "trustedProxies">) {
  const trusts = createTrust(trustedProxies);
  return (peer: string, forwardedFor: readonly string[]): string => {
    let found = plainAddress(peer) ?? peer;
    if (!trusts(found)) return found;
    const hops = forwardedFor.flatMap((value) => value.split(",")).map((hop) => hop.trim());
    for (const hop of hops.slice(-MAX_HOPS).reverse()) {
      if (!trusts(found)) break;
      const address = plainAddress(hop);
      if (address === undefined) break; // `unknown`, or nonsense: who said so is the last that is known
      found = address;
    }
    return found;
  };
}

/** Without port and brackets, and an IPv4 address as such. */
function plainAddress(text: string): string | undefined {
  const address = isIP(text) ? text : (toPeerAddress(text)?.address ?? "");
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").toLowerCase();
  return isIP(plain) ? plain : undefined;
}

function createTrust(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  const trustsAddresses = trusted.some((entry) => entry !== "unix");
  for (const entry of trusted) if (entry !== "unix") addSubnet(list, entry);
  const trustsUnix = trusted.includes("unix");
  return (address) => {
    const version = isIP(address);
    if (version === 0) return address === "in-process" || (trustsUnix && address !== "");
    return trustsAddresses && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}

function addSubnet(list: BlockList, entry: string): void {
  const [address = "", bits, ...rest] = entry.split("/");
  const version = isIP(address);
  const max = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? max : Number(bits);
  if (version === 0 || rest.length > 0 || bits === "" || !Number.isInteger(prefix) || prefix < 0 || prefix > max) {
    throw new Error(`clientAddress: trustedProxies holds "${entry}", which is no address, subnet or "unix"`);
  }
  list.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
}
