import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import type { LoadOrder, LoadResult } from "./load.ts";
import { connectTo, type Wire } from "./one-call.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Answers every call with its request and a status: in trailers behind a message, alone in headers. */
function echoGrpc({ status = "0", alone = false } = {}): Promise<number> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
    if (alone) stream.respond({ "grpc-status": status }, { endStream: true });
    else stream.respond({}, { waitForTrailers: true });
    if (!alone) stream.pipe(stream);
  });
  return listen(server);
}

const echoJson = ({ status = 200 } = {}): Promise<number> =>
  listen(createHttpServer((request, response) => request.pipe(response.writeHead(status))));

const echoes = { grpc: echoGrpc, json: echoJson };

function callOnce(wire: Wire, port: number): Promise<Buffer> {
  const connection = connectTo({ wire, port, token: "t" });
  closers.unshift(connection.close);
  return connection.call("/x", Buffer.from("ping"));
}

for (const wire of ["grpc", "json"] as const) {
  test(`a call over ${wire} resolves with the answer's body`, async () => {
    expect(await callOnce(wire, await echoes[wire]())).toEqual(Buffer.from("ping"));
  });

  test(`our own load over ${wire} makes so many calls and counts the bytes of their answers`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tenon-load-"));
    closers.push(() => rmSync(folder, { recursive: true }));
    const bodyFile = join(folder, "body");
    writeFileSync(bodyFile, "ping");
    const port = await echoes[wire]();
    const order: LoadOrder = { wire, port, path: "/x", bodyFile, token: "t", connections: 2, streams: 5, calls: 37 };
    const program = [join(import.meta.dirname, "own-load.ts"), JSON.stringify(order)];
    const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: 10_000 });
    const { succeeded, bodyBytes, seconds }: LoadResult = JSON.parse(stdout);
    expect({ succeeded, bodyBytes }).toEqual({ succeeded: 37, bodyBytes: 37 * 4 });
    expect(seconds).toBeGreaterThan(0);
  });
}

for (const alone of [false, true]) {
  test(`another grpc-status than 0 is a failure, ${alone ? "alone in headers" : "also behind a message"}`, async () => {
    await expect(callOnce("grpc", await echoGrpc({ status: "16", alone }))).rejects.toThrow("grpc-status 16");
  });
}

test("another HTTP status than 200 is a failure", async () => {
  await expect(callOnce("json", await echoJson({ status: 500 }))).rejects.toThrow("500");
});
