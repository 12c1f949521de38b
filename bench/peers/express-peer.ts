// Express with JSON over HTTP/1.1.
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import express from "express";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";
import { announce } from "./peer-program.ts";

const app = express();
app.use(express.json());
app.post("/v1/greet", (request, response) => {
  response.json({ message: greetingOf(request.body.name) });
});
app.post("/v1/orders", (request, response) => {
  response.json({ order: placeOrder(request.body, String) });
});
app.post("/v1/greetings", (_, response) => {
  response.type("application/x-ndjson");
  Readable.from(greetings()).pipe(response);
});

function* greetings() {
  for (const name of RECORDED) yield `${JSON.stringify({ message: greetingOf(name) })}\n`;
}

const server = app.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
