// Fastify with routes written by hand that call a gRPC server: `--backend=127.0.0.1:50051`.
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { fastify } from "fastify";
import { createGrpcJsOrders, type OrderBody } from "./grpc-js-orders.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { backend: { type: "string", default: "" } } });
const { greet, createOrder } = createGrpcJsOrders(values.backend);

const app = fastify();
app.post<{ Body: { name: string } }>("/v1/greet", ({ body, headers }) => greet(body, headers.authorization));
app.post<{ Body: OrderBody }>("/v1/orders", ({ body, headers }) => createOrder(body, headers.authorization));

await app.listen({ host: "127.0.0.1", port: 0 });
announce((app.server.address() as AddressInfo).port);
