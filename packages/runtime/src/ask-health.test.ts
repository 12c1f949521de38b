import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { askHealth } from "./ask-health.ts";
import { start } from "./service-fixture.ts";

async function addressOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a server tells its health, and that of its services", async () => {
  let up = true;
  const { service, watch } = await start({
    checks: { database: () => (up ? Promise.resolve() : Promise.reject(new Error("down"))) },
  });
  const address = `127.0.0.1:${service.port}`;
  expect(await askHealth({ address })).toBe("SERVING");
  expect(await askHealth({ address, service: "greeter.v1.GreetingService" })).toBe("SERVING");
  const health = watch("");
  await health.next();
  up = false;
  expect(await health.next()).toBe("NOT_SERVING");
  expect(await askHealth({ address })).toBe("NOT_SERVING");
  expect(await askHealth({ address, service: "live" })).toBe("SERVING");
});

test("a service that it does not have is gRPC's NOT_FOUND", async () => {
  const { service } = await start();
  await expect(askHealth({ address: `127.0.0.1:${service.port}`, service: "x.v1.X" })).rejects.toThrow(
    /answered with gRPC status 5/,
  );
});

test("nobody there is one line", async () => {
  await expect(askHealth({ address: "127.0.0.1:1" })).rejects.toThrow(/^127\.0\.0\.1:1 does not answer: .*REFUSED/);
});

test("one that accepts and stays silent is given up", async () => {
  const sockets: { destroy(): void }[] = [];
  const address = await addressOf(createTcpServer((socket) => sockets.push(socket)));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await expect(askHealth({ address, timeoutMs: 50 })).rejects.toThrow(`${address} did not answer within 50 ms`);
});

test("HTTP/1 is not gRPC, and neither is any HTTP/2", async () => {
  await expect(askHealth({ address: await addressOf(createHttpServer()) })).rejects.toThrow(
    /does not answer|broke off/,
  );
  const address = await addressOf(createHttp2Server((_request, response) => response.end("hello")));
  await expect(askHealth({ address })).rejects.toThrow(`${address} does not speak gRPC`);
});

test("an answer that says nothing is UNKNOWN", async () => {
  const address = await addressOf(
    createHttp2Server((_request, response) => {
      response.setHeader("content-type", "application/grpc");
      response.write(Buffer.alloc(5));
      response.addTrailers({ "grpc-status": "0" });
      response.end();
    }),
  );
  expect(await askHealth({ address })).toBe("UNKNOWN");
});
