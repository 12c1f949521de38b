import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { credentials, Metadata, makeGenericClientConstructor } from "@grpc/grpc-js";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { orderJson } from "../order-json.ts";
import type { placeOrder } from "../served-work.ts";
import { toGrpcJsDefinition } from "./grpc-js-definition.ts";

export type OrderBody = MessageInitShape<typeof orderv1.CreateOrderRequestSchema>;
type Unary = (
  request: object,
  metadata: Metadata,
  options: object,
  callback: (error: Error | null, response: never) => void,
) => void;

const DEADLINE_MS = 10_000;

/** What whoever writes a REST route by hand writes for each method: JSON to message, the call, message to JSON. */
export function createGrpcJsOrders(backend: string) {
  const greetings = clientOf(greeterv1.GreetingService, ["greet"], backend);
  const orders = clientOf(orderv1.OrderService, ["createOrder"], backend);
  return {
    async greet({ name }: { name: string }, authorization = "") {
      const request = create(greeterv1.GreetRequestSchema, { name });
      const { message } = await call<greeterv1.GreetResponse>(greetings, "greet", request, authorization);
      return { message };
    },
    async createOrder({ requestId, items, paymentMethod }: OrderBody, authorization = "") {
      const request = create(orderv1.CreateOrderRequestSchema, { requestId, items, paymentMethod } as OrderBody);
      const { order } = await call<orderv1.CreateOrderResponse>(orders, "createOrder", request, authorization);
      return orderJson(order as unknown as ReturnType<typeof placeOrder<bigint>>);
    },
  };
}

function clientOf(service: Parameters<typeof toGrpcJsDefinition>[0], names: string[], backend: string) {
  const Client = makeGenericClientConstructor(toGrpcJsDefinition(service, names), service.typeName);
  return new Client(backend, credentials.createInsecure()) as unknown as Record<string, Unary>;
}

function call<R>(client: Record<string, Unary>, name: string, request: object, authorization: string): Promise<R> {
  const metadata = new Metadata();
  metadata.set("authorization", authorization);
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, response: never) => (error ? reject(error) : resolve(response));
    client[name]?.(request, metadata, { deadline: Date.now() + DEADLINE_MS }, done);
  });
}
