// Fastify with JSON over HTTP/1.1.
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { fastify } from "fastify";
import { greetingOf, type OrderRequest, placeOrder, RECORDED } from "../served-work.ts";
import { announce } from "./peer-program.ts";

const app = fastify();
app.post<{ Body: { name: string } }>("/v1/greet", async ({ body }) => ({ message: greetingOf(body.name) }));
app.post<{ Body: OrderRequest }>("/v1/orders", async ({ body }) => ({ order: placeOrder(body, String) }));
app.post("/v1/greetings", (_, reply) => reply.type("application/x-ndjson").send(Readable.from(greetings())));

function* greetings() {
  for (const name of RECORDED) yield `${JSON.stringify({ message: greetingOf(name) })}\n`;
}

await app.listen({ host: "127.0.0.1", port: 0 });
announce((app.server.address() as AddressInfo).port);
