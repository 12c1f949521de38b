import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createTestAuthority, implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import type { Call } from "./call.ts";
import { createClient } from "./client.ts";
import { createServer, type Server } from "./server.ts";
import type { ClientTls, ServerTls } from "./tls.ts";

for (const inProcess of [false, true]) {
  const where = inProcess ? "without a port" : "over a port";

  test(`49: ${where}: streams that last end at once for their clients to go on elsewhere, other calls finish`, async () => {
    const { server, client, goOn } = await start({ inProcess });
    const watched = client.listGreetings({ names: ["for ever"] }, { timeoutMs: 10_000 })[Symbol.asyncIterator]();
    const chat = client.chatGreetings(openRequests("Ada"), { timeoutMs: 10_000 })[Symbol.asyncIterator]();
    await Promise.all([watched.next(), chat.next()]);
    const uploaded = client.recordGreetings(openRequests("Ada", goOn.promise), { timeoutMs: 10_000 });
    const greeted = client.greet({ name: "Ada" }, { timeoutMs: 10_000 });
    await goOn.reached(2);

    const startedMs = performance.now();
    const closed = server.close({ graceMs: 10_000 });
    const drained = { code: "UNAVAILABLE", reason: "DRAINING" };
    await expect(watched.next()).rejects.toMatchObject(drained);
    await expect(chat.next()).rejects.toMatchObject(drained);
    expect(performance.now() - startedMs).toBeLessThan(1000);
    goOn.resolve();
    expect(await greeted).toMatchObject({ message: "Hello Ada" });
    expect(await uploaded).toMatchObject({ count: 1 });
    await closed;
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test(`${where}: a stream that is about to end is let`, async () => {
    const { server, client } = await start({ inProcess });
    const greetings = client.listGreetings({ names: ["Ada", "Bob"] }, { timeoutMs: 10_000 })[Symbol.asyncIterator]();
    const first = await greetings.next();
    const closed = server.close({ streamGraceMs: 5000 });
    const rest = [await greetings.next(), await greetings.next()];
    expect([first, ...rest].map(({ value }) => value?.message)).toEqual(["Hello Ada", "Hello Bob", undefined]);
    await closed;
  });
}

test("49: a connection whose handshake is under way when the server closes is turned away, and holds nothing", async () => {
  const authority = createTestAuthority();
  const ca = authority.cert;
  const { server, port, client, goOn } = await start({ tls: { ...authority.issue(["127.0.0.1", "localhost"]), ca } });
  const greeted = client.greet({ name: "Ada" }, { timeoutMs: 10_000 });
  const socket = connectTcp(port, "127.0.0.1");
  await once(socket, "connect");
  // The server has accepted the connection before it took up this call.
  await goOn.reached(1);

  const startedMs = performance.now();
  const closed = server.close({ graceMs: 5000 });
  const late = connectTls({ socket, ca, ALPNProtocols: ["h2"], servername: "localhost" });
  const session = connectHttp2("https://127.0.0.1", { createConnection: () => late });
  onTestFinished(() => session.destroy());
  session.on("error", () => {});
  await once(session, "close", { signal: AbortSignal.timeout(4000) });
  goOn.resolve();
  expect(await greeted).toMatchObject({ message: "Hello Ada" });
  await closed;
  expect(performance.now() - startedMs).toBeLessThan(4000);
});

test("without a port: a call after the close is refused as one that may be made elsewhere", async () => {
  const { server, client } = await start({ inProcess: true });
  await server.close();
  await expect(client.greet({ name: "Ada" })).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "DRAINING" });
});

/** A greeter whose calls stay in flight: streams until their end, the others until `goOn`. */
async function start({ inProcess = false, tls }: { inProcess?: boolean; tls?: ServerTls & ClientTls }) {
  const goOn = createGate();
  const server: Server = createServer({
    tls: tls && { cert: tls.cert, key: tls.key },
    services: [
      implementPart(greeterv1.GreetingService, {
        async greet({ name }) {
          await goOn.pass();
          return { message: `Hello ${name}` };
        },
        async *listGreetings({ names }, call) {
          for (const name of names) yield { message: `Hello ${name}` };
          if (names[0] === "for ever") await ended(call);
        },
        async recordGreetings(requests) {
          await goOn.pass();
          return { count: (await Array.fromAsync(requests)).length };
        },
        async *chatGreetings(requests) {
          for await (const { name } of requests) yield { message: `Hello ${name}` };
        },
      }),
    ],
  });
  const port = inProcess ? 0 : await server.listen({ host: "127.0.0.1", port: 0 });
  const target = inProcess ? server : `127.0.0.1:${port}`;
  const client = createClient(greeterv1.GreetingService, { target, tls: tls && { ca: tls.ca } });
  onTestFinished(() => {
    client.close();
    return server.close({ graceMs: 0 });
  });
  return { server, port, client, goOn };
}

/** One request, and no end of them before `until`. */
async function* openRequests(name: string, until: Promise<void> = new Promise(() => {})) {
  yield { name };
  await until;
}

const ended = ({ signal }: Call) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

function createGate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return {
    ...{ promise, resolve },
    pass() {
      waiting += 1;
      return promise;
    },
    reached: (count: number) => expect.poll(() => waiting).toBe(count),
  };
}
