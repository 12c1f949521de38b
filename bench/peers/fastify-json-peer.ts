// Fastify that answers by itself what the gateways answer, in the same JSON.
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { orderJson } from "../order-json.ts";
import { greetingOf, type OrderRequest, placeOrder } from "../served-work.ts";
import { announce } from "./peer-program.ts";

const app = fastify();
app.post<{ Body: { name: string } }>("/v1/greet", async ({ body }) => ({ message: greetingOf(body.name) }));
app.post<{ Body: OrderRequest }>("/v1/orders", async ({ body }) => orderJson(placeOrder(body, BigInt)));

await app.listen({ host: "127.0.0.1", port: 0 });
announce((app.server.address() as AddressInfo).port);
