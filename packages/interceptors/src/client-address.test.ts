import { createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { clientAddress, clientAddressOf } from "./client-address.ts";
import { KINDS, startGreeter } from "./greeter-fixture.ts";

const PROXIES = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"];

/** What a call of this peer with these headers is said to come from. */
function found(peer: string, forwarded: readonly string[], trustedProxies: readonly string[] = PROXIES): string {
  const requestMetadata = createMetadata();
  for (const value of forwarded) requestMetadata.add("x-forwarded-for", value);
  const values = new Map();
  const call = {
    side: "server",
    peer,
    requestMetadata,
    values: { set: values.set.bind(values), get: values.get.bind(values) },
  };
  clientAddress({ trustedProxies })(call as never).onStart?.();
  return clientAddressOf(call as never);
}

for (const [what, peer, forwarded, expected] of [
  ["a peer without a header", "203.0.113.9:4711", [], "203.0.113.9"],
  ["a stranger who says he is another", "203.0.113.9:4711", ["1.2.3.4"], "203.0.113.9"],
  ["a client behind our proxy", "10.0.0.1:4711", ["203.0.113.9"], "203.0.113.9"],
  ["a client behind two of our proxies", "10.0.0.1:4711", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"],
  ["a client who wrote a header himself", "10.0.0.1:4711", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"],
  ["a client who claims to be our proxy", "10.0.0.1:4711", ["10.9.9.9, 203.0.113.9"], "203.0.113.9"],
  ["one of our own behind our proxy", "10.0.0.1:4711", ["10.1.1.1"], "10.1.1.1"],
  ["several headers", "10.0.0.1:4711", ["1.2.3.4", "203.0.113.9", "10.0.0.2"], "203.0.113.9"],
  ["an entry with a port", "10.0.0.1:4711", ["203.0.113.9:99"], "203.0.113.9"],
  ["an entry of IPv6", "10.0.0.1:4711", ["2001:DB8::1"], "2001:db8::1"],
  ["an entry of IPv6 with a port", "10.0.0.1:4711", ["[2001:db8::1]:99"], "2001:db8::1"],
  ["a peer of IPv6", "[2001:db8::7]:4711", ["1.2.3.4"], "2001:db8::7"],
  ["a proxy of IPv6", "[fd00::7]:4711", ["203.0.113.9"], "203.0.113.9"],
  ["an IPv4 proxy as IPv6", "[::ffff:10.0.0.1]:4711", ["203.0.113.9"], "203.0.113.9"],
  ["nonsense", "10.0.0.1:4711", ["203.0.113.9, unknown"], "10.0.0.1"],
  ["an empty header", "10.0.0.1:4711", [""], "10.0.0.1"],
  ["a thousand entries", "10.0.0.1:4711", [Array(1000).fill("10.0.0.3").join(",")], "10.0.0.3"],
  ["a peer in this process", "in-process", ["203.0.113.9"], "203.0.113.9"],
  ["a Unix socket that is not trusted", "unix:/run/a.sock", ["203.0.113.9"], "/run/a.sock"],
] as const) {
  test(`${what}: ${expected}`, () => expect(found(peer, forwarded)).toBe(expected));
}

test("a trusted Unix socket is believed", () => {
  expect(found("unix:/run/a.sock", ["203.0.113.9"], ["unix"])).toBe("203.0.113.9");
});

for (const entry of [
  "",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0/8",
  "::/129",
  "proxy.internal",
  "10.0.0.0/-1",
]) {
  test(`"${entry}" among trusted proxies is refused at the start`, () => {
    expect(() => clientAddress({ trustedProxies: [entry] })).toThrow(`"${entry}"`);
  });
}

for (const { kind, invoke } of KINDS) {
  test(`the handler of a ${kind} call over a port knows its client`, async () => {
    const seen: string[] = [];
    const { greetings } = await startGreeter({
      over: "port",
      server: [clientAddress({ trustedProxies: ["127.0.0.1"] })],
      inHandler: (call) => void seen.push(clientAddressOf(call)),
    });
    await invoke(greetings);
    await invoke(greetings, { metadata: createMetadata({ "x-forwarded-for": "203.0.113.9" }) });
    expect(seen).toEqual(["127.0.0.1", "203.0.113.9"]);
  });
}
