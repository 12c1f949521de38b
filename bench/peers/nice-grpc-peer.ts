// nice-grpc: async handlers on grpc-js, with as many middlewares that do nothing as `--middlewares=7` says.
import { parseArgs } from "node:util";
import { create } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { createServer, type ServerMiddleware } from "nice-grpc";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";
import { toGrpcJsDefinition } from "./grpc-js-definition.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { middlewares: { type: "string", default: "0" } } });
const passThrough: ServerMiddleware = async function* (call, context) {
  return yield* call.next(call.request, context);
};

let server = createServer();
for (let n = 0; n < Number(values.middlewares); n++) server = server.use(passThrough);
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
