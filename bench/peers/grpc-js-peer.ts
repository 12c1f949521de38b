// grpc-js as it comes, or with native interceptors: `--interceptors=7`.
import { once } from "node:events";
import { parseArgs } from "node:util";
import { create } from "@bufbuild/protobuf";
import { type handleServerStreamingCall, type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";
import { toGrpcJsDefinition } from "./grpc-js-definition.ts";
import { passThrough } from "./pass-through.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { interceptors: { type: "string", default: "0" } } });

const greet: handleUnaryCall<greeterv1.GreetRequest, greeterv1.GreetResponse> = ({ request }, reply) =>
  reply(null, create(greeterv1.GreetResponseSchema, { message: greetingOf(request.name) }));

const createOrder: handleUnaryCall<orderv1.CreateOrderRequest, orderv1.CreateOrderResponse> = ({ request }, reply) =>
  reply(null, create(orderv1.CreateOrderResponseSchema, { order: placeOrder(request, BigInt) }));

const listGreetings: handleServerStreamingCall<
  greeterv1.ListGreetingsRequest,
  greeterv1.ListGreetingsResponse
> = async (call) => {
  for (const name of RECORDED) {
    const response = create(greeterv1.ListGreetingsResponseSchema, { message: greetingOf(name) });
    if (!call.write(response)) await once(call, "drain");
  }
  call.end();
};

const server = new Server({ interceptors: Array.from({ length: Number(values.interceptors) }, () => passThrough) });
server.addService(toGrpcJsDefinition(greeterv1.GreetingService, ["greet", "listGreetings"]), { greet, listGreetings });
server.addService(toGrpcJsDefinition(orderv1.OrderService, ["createOrder"]), { createOrder });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  announce(port);
});
