// Express with routes written by hand that call a gRPC server: `--backend=127.0.0.1:50051`.
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import express from "express";
import { createGrpcJsOrders } from "./grpc-js-orders.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { backend: { type: "string", default: "" } } });
const { greet, createOrder } = createGrpcJsOrders(values.backend);

const app = express();
app.use(express.json());
app.post("/v1/greet", async ({ body, headers }, response) => {
  response.json(await greet(body, headers.authorization));
});
app.post("/v1/orders", async ({ body, headers }, response) => {
  response.json(await createOrder(body, headers.authorization));
});

const server = app.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
