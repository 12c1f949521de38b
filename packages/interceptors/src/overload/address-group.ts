import { isIPv6 } from "node:net";

/** Whom an address stands for when callers are counted: of IPv6 a whole /64, which is what one customer gets. */
export function addressGroup(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const parts = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // An IPv4 address at the end fills two groups; it is beyond the first four unless :: stands for little.
  const missing = 8 - parts.length - after.length - (address.includes(".") ? 1 : 0);
  const groups = tail === undefined ? parts : [...parts, ...Array<string>(missing).fill("0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
