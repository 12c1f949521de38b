import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll } from "vitest";
import { toNodeListener } from "./node-listener.ts";
import { compileThings, createThings, type ThingsOptions } from "./things-fixture.ts";
import { createTranscoder, type TranscoderOptions } from "./transcoder.ts";
import { createWebSockets, type WebSocketsOptions } from "./web-socket/web-sockets.ts";

const service = compileThings();
const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

type ServeThingsOptions = Partial<TranscoderOptions> &
  Pick<ThingsOptions, "watch" | "record" | "chat"> & { sockets?: Partial<WebSocketsOptions> };

/** Things behind a real port. */
export async function serveThings(options: ServeThingsOptions = {}) {
  const { watch, record, chat, sockets, ...rest } = options;
  const things = createThings({ service, ...(watch && { watch }), ...(record && { record }), ...(chat && { chat }) });
  const transcoder = createTranscoder({ backends: [things], ...rest });
  const webSockets = createWebSockets({ transcoder, ...sockets });
  const server = createServer({ shouldUpgradeCallback: webSockets.takes }, toNodeListener(transcoder.handle))
    .on("upgrade", webSockets.upgrade)
    .listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.defer(async () => {
    webSockets.terminate();
    server.closeAllConnections();
    server.close();
    await things.close();
  });
  const port = (server.address() as AddressInfo).port;
  return { things, port, webSockets, url: `http://127.0.0.1:${port}` };
}

/** Polls, for what happens on the other side of a socket; the test's time bounds it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

export const within = () => AbortSignal.timeout(12_000);
