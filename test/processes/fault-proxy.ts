import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";

/** What befalls a piece of what is sent, either way: its connection is cut with it lost, or it comes so much later. */
export type Fate = "lost" | { readonly delayMs: number } | undefined;

export interface FaultProxyOptions {
  /** A port of 127.0.0.1; undefined where whoever connects is to find nobody. */
  upstream: () => number | undefined;
  /** Asked for each piece; by default all goes well. */
  fate?: () => Fate;
}

/** A way over TCP that is as bad as a test wants it. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that were cut in the midst of something. */
  readonly cuts: number;
}

export async function startFaultProxy({ upstream, fate = () => undefined }: FaultProxyOptions): Promise<FaultProxy> {
  const open = new Set<Socket>();
  let cuts = 0;

  async function* befall(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      const what = fate();
      if (what === "lost") {
        cuts += 1;
        throw new Error("cut");
      }
      if (what) await delay(what.delayMs);
      yield piece;
    }
  }

  async function carry(caller: Socket): Promise<void> {
    const port = upstream();
    if (port === undefined) return void caller.resetAndDestroy();
    const callee = connect({ host: "127.0.0.1", port });
    const ends = [caller, callee];
    for (const end of ends) open.add(end);
    await Promise.allSettled([pipeline(caller, befall, callee), pipeline(callee, befall, caller)]);
    for (const end of ends) {
      end.destroy();
      open.delete(end);
    }
  }

  const server = createServer((caller) => void carry(caller));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const end of open) end.destroy();
      await closed;
    },
  };
}
