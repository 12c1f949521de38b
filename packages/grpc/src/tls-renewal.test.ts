import { connect } from "node:tls";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createTestAuthority, implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./client.ts";
import { createServer } from "./server.ts";
import type { ClientTls, Renewable, ServerTls } from "./tls.ts";

const authority = createTestAuthority();
const stranger = createTestAuthority("another root");
const names = ["localhost", "127.0.0.1"];
const ca = authority.cert;

function renewable<T>(first: T): Renewable<T> & { renew(next: T): void } {
  const listeners = new Set<() => void>();
  let current = first;
  return {
    get current() {
      return current;
    },
    onRenewal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew(next) {
      current = next;
      for (const listener of listeners) listener();
    },
  };
}

async function serve(tls: Renewable<ServerTls>): Promise<{ port: number; letGo: () => void; held: Promise<void> }> {
  const [held, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const greeting = implementPart(greeterv1.GreetingService, {
    async greet({ name }) {
      if (name === "held") {
        held.resolve();
        await gate.promise;
      }
      return { message: `Hello ${name}` };
    },
    async *listGreetings() {},
    recordGreetings: async () => ({}),
    async *chatGreetings() {},
  });
  const server = createServer({ services: [greeting], tls });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return { port: await server.listen({ host: "127.0.0.1", port: 0 }), letGo: gate.resolve, held: held.promise };
}

function clientOf(port: number, tls: ClientTls | Renewable<ClientTls>) {
  const client = createClient(greeterv1.GreetingService, { target: `127.0.0.1:${port}`, tls });
  onTestFinished(() => client.close());
  return (name: string) =>
    client.greet({ name }, { timeoutMs: 5000 }).then(
      ({ message }) => message,
      (error) => error.code,
    );
}

/** The serial number of what the server shows on a new connection. */
async function shown(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", ca, ALPNProtocols: ["h2"] });
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return socket.getPeerCertificate().serialNumber;
}

test("57: a renewed certificate is shown to the next connection, and calls on the one before go on", async () => {
  const tls = renewable<ServerTls>(authority.issue(names));
  const { port, letGo, held } = await serve(tls);
  const greet = clientOf(port, { ca });
  const before = await shown(port);
  const inFlight = greet("held");
  await held;
  tls.renew(authority.issue(names));
  expect(await shown(port)).not.toBe(before);
  letGo();
  expect(await inFlight).toBe("Hello held");
  expect(await greet("John")).toBe("Hello John");
});

test("a client takes its renewed certificate and roots to its next connection", async () => {
  const server = renewable<ServerTls>({ ...authority.issue(names), ca });
  const old = { ca, ...authority.issue(["spiffe://tenon/order"], { to: new Date(Date.now() - 60_000) }) };
  const client = renewable<ClientTls>(old);
  const { port } = await serve(server);
  const greet = clientOf(port, client);
  expect(await greet("John")).toBe("UNAVAILABLE");
  client.renew({ ca, ...authority.issue(["spiffe://tenon/order"]) });
  await expect.poll(() => greet("John"), { timeout: 5000 }).toBe("Hello John");
});

test("57: roots that were changed refuse at once who was let in by the old ones: that is how one is revoked", async () => {
  const server = renewable<ServerTls>({ ...authority.issue(names), ca });
  const { port } = await serve(server);
  const tls = { ca, ...authority.issue(["spiffe://tenon/order"]) };
  expect(await clientOf(port, tls)("John")).toBe("Hello John");
  server.renew({ ...authority.issue(names), ca: stranger.cert });
  expect(await clientOf(port, tls)("John")).toBe("UNAVAILABLE");
});

const minuteAgo = new Date(Date.now() - 60_000);
const inAMinute = new Date(Date.now() + 60_000);
for (const [what, identity] of [
  ["expired", authority.issue(names, { to: minuteAgo })],
  ["not yet valid", authority.issue(names, { from: inAMinute })],
  ["signed by another root", stranger.issue(names)],
  ["signed by nobody but itself", createTestAuthority("localhost")],
  ["for another name", authority.issue(["payment"])],
] as const) {
  test(`57: a server whose certificate is ${what} is not spoken to`, async () => {
    const { port } = await serve(renewable<ServerTls>(identity));
    expect(await clientOf(port, { ca })("John")).toBe("UNAVAILABLE");
  });
}

for (const [what, identity] of [
  ["expired", authority.issue(["spiffe://tenon/order"], { to: minuteAgo })],
  ["not yet valid", authority.issue(["spiffe://tenon/order"], { from: inAMinute })],
  ["signed by another root", stranger.issue(["spiffe://tenon/order"])],
  ["signed by nobody but itself", createSelfSigned()],
] as const) {
  test(`57: a client whose certificate is ${what} is refused`, async () => {
    const { port } = await serve(renewable<ServerTls>({ ...authority.issue(names), ca }));
    expect(await clientOf(port, { ca, ...identity })("John")).toBe("UNAVAILABLE");
  });
}

/** A root that shows itself. */
function createSelfSigned() {
  const { cert, key } = createTestAuthority("spiffe://tenon/order");
  return { cert, key };
}
