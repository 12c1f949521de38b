import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { type Exchange, grpcExchange, jsonExchange } from "./exchange.ts";
import { greetingOf, NAME, ORDERED, placeOrder, RECORDED } from "./served-work.ts";

/** One kind of call that every server gets, and what it must answer. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What its figures are for: a call, or one message of a call that has many. */
  readonly unit: "call" | "message";
  /** Messages in the answer to one call. */
  readonly messages: number;
  /** Calls at once are connections x streams; over HTTP/1.1, which carries one call at a time, as many connections. */
  readonly connections: number;
  readonly streams: number;
  readonly grpc: Exchange;
  readonly json: Exchange;
}

const PAYMENT = { requestId: "5b0c2f9e-6c1d-4a53-9e0f-2f0f5d1c7a11", paymentMethod: "pm_ok" };
const ORDER = { ...PAYMENT, items: [...ORDERED.items] };

export const WORKLOADS: readonly Workload[] = [
  {
    name: "small",
    title: "unary, a name and a greeting",
    unit: "call",
    messages: 1,
    connections: 4,
    streams: 25,
    grpc: grpcExchange(greeterv1.GreetingService.method.greet, { name: NAME }, [{ message: greetingOf(NAME) }]),
    json: jsonExchange("/v1/greet", { name: NAME }, [{ message: greetingOf(NAME) }]),
  },
  {
    name: "order",
    title: "unary, an order of three lines, placed and returned",
    unit: "call",
    messages: 1,
    connections: 4,
    streams: 25,
    grpc: grpcExchange(orderv1.OrderService.method.createOrder, ORDER, [{ order: placeOrder(ORDERED, BigInt) }]),
    json: jsonExchange("/v1/orders", ORDER, [{ order: placeOrder(ORDERED, String) }]),
  },
  {
    name: "stream",
    title: `a stream of ${RECORDED.length} greetings for each call`,
    unit: "message",
    messages: RECORDED.length,
    connections: 4,
    streams: 1,
    grpc: grpcExchange(greeterv1.GreetingService.method.listGreetings, {}, recordedGreetings()),
    json: jsonExchange("/v1/greetings", {}, recordedGreetings()),
  },
];

function recordedGreetings() {
  return RECORDED.map((name) => ({ message: greetingOf(name) }));
}
