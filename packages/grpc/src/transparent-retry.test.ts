import { createServer, constants as http2, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { expect, onTestFinished, test } from "vitest";
import type { Interceptor } from "./call.ts";
import { createClient } from "./client.ts";
import { retriesAllowed } from "./context-values.ts";

// gRFC A6: what a server has refused to look at may be sent again whatever the call is, since nothing was done for it. So it is
// on every hop; all other retries are those of the first.

const EMPTY_MESSAGE = Buffer.alloc(5);

function answer(stream: ServerHttp2Stream, status: string): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.end(EMPTY_MESSAGE);
}

/** Calls a peer that does these things with one attempt after the other, the last with all that follow. */
async function attemptsAt(peer: readonly ((stream: ServerHttp2Stream) => void)[]): Promise<[string, number]> {
  let attempts = 0;
  const server = createServer().on("stream", (stream) => peer[Math.min(attempts++, peer.length - 1)]?.(stream));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const laterHop: Interceptor = (call) => ({ onStart: () => call.values.set(retriesAllowed, false) });
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient(greeterv1.GreetingService, { target, interceptors: [laterHop] });
  onTestFinished(() => client.close());
  const code = await client.greet({ name: "Ada" }, { timeoutMs: 10_000 }).then(
    () => "OK",
    (error) => error.code,
  );
  return [code, attempts];
}

const refuse = (stream: ServerHttp2Stream) => stream.on("error", () => {}).close(http2.NGHTTP2_REFUSED_STREAM);

test("a call on a later hop that a server has not looked at is sent once more", async () => {
  expect(await attemptsAt([refuse, (stream) => answer(stream, "0")])).toEqual(["OK", 2]);
});

test("and no oftener", async () => {
  expect(await attemptsAt([refuse])).toEqual(["UNAVAILABLE", 2]);
});

test("one that it has answered is not, be it UNAVAILABLE", async () => {
  expect(await attemptsAt([(stream) => answer(stream, "14")])).toEqual(["UNAVAILABLE", 1]);
});
