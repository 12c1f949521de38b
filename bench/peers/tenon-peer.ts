// Our server: bare, or with the standard chain: `--key=<public JWK>`, and `--uncached` to verify each call's token anew.
import { parseArgs } from "node:util";
import type { DescService } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { createServer, type Handlers, type Implementation, implement } from "@tenon/grpc";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";
import { benchChain } from "./bench-chain.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({ options: { key: { type: "string" }, uncached: { type: "boolean", default: false } } });

const services = [
  implementPart(greeterv1.GreetingService, {
    greet: async ({ name }) => ({ message: greetingOf(name) }),
    async *listGreetings() {
      for (const name of RECORDED) yield { message: greetingOf(name) };
    },
  }),
  implementPart(orderv1.OrderService, {
    createOrder: async (request) => ({ order: placeOrder(request, BigInt) }),
  }),
];

/** The methods that are measured; all others fail. */
function implementPart<S extends DescService>(service: S, handlers: Partial<Handlers<S>>): Implementation {
  const notMeasured = () => {
    throw new Error("not measured");
  };
  const others = Object.fromEntries(service.methods.map(({ localName }) => [localName, notMeasured]));
  return implement(service, { ...others, ...handlers } as Handlers<S>);
}

const { key, uncached } = values;
const interceptors = key === undefined ? [] : benchChain({ services, key: JSON.parse(key), uncached });
const server = createServer({ services, interceptors });
announce(await server.listen({ host: "127.0.0.1", port: 0 }));
