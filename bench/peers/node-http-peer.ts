// Node's own HTTP server that answers by itself what the gateways answer, in the same JSON: what all others stand on.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { orderJson } from "../order-json.ts";
import { greetingOf, type OrderRequest, placeOrder } from "../served-work.ts";
import { announce } from "./peer-program.ts";

async function answer(request: IncomingMessage): Promise<string> {
  const body = await json(request);
  if (request.url === "/v1/greet") return JSON.stringify({ message: greetingOf((body as { name: string }).name) });
  return JSON.stringify(orderJson(placeOrder(body as OrderRequest, BigInt)));
}

const server = createServer(async (request, response) => {
  const body = await answer(request);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
});
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
