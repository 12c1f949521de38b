// nice-grpc: async handlers on grpc-js.
import { create } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { createServer } from "nice-grpc";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";
import { toGrpcJsDefinition } from "./grpc-js-definition.ts";
import { announce } from "./peer-program.ts";

const server = createServer();
server.add(toGrpcJsDefinition(greeterv1.GreetingService, ["greet", "listGreetings"]), {
  greet: async ({ name }: greeterv1.GreetRequest) =>
    create(greeterv1.GreetResponseSchema, { message: greetingOf(name) }),
  async *listGreetings() {
    for (const name of RECORDED) yield create(greeterv1.ListGreetingsResponseSchema, { message: greetingOf(name) });
  },
});
server.add(toGrpcJsDefinition(orderv1.OrderService, ["createOrder"]), {
  createOrder: async (request: orderv1.CreateOrderRequest) =>
    create(orderv1.CreateOrderResponseSchema, { order: placeOrder(request, BigInt) }),
});
announce(await server.listen("127.0.0.1:0"));
