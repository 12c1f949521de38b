// connect-node, asked by gRPC, with as many interceptors that do nothing as `--interceptors=7` says.
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { interceptors: { type: "string", default: "0" } } });
const passThrough: Interceptor = (next) => (request) => next(request);

const routes = (router: ConnectRouter) => {
  router.service(greeterv1.GreetingService, {
    greet: async ({ name }) => ({ message: greetingOf(name) }),
    async *listGreetings() {
      for (const name of RECORDED) yield { message: greetingOf(name) };
    },
  });
  router.service(orderv1.OrderService, { createOrder: async (request) => ({ order: placeOrder(request, BigInt) }) });
};
const interceptors = Array.from({ length: Number(values.interceptors) }, () => passThrough);
const server = createServer(connectNodeAdapter({ routes, interceptors }));
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
