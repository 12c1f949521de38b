import type { DescService } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import { type Handlers, type Implementation, implement } from "@tenon/grpc";
import { greetingOf, placeOrder, RECORDED } from "../served-work.ts";

/** What our server serves in the benches: the methods that are measured; all others fail. */
export const BENCH_SERVICES: readonly Implementation[] = [
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

function implementPart<S extends DescService>(service: S, handlers: Partial<Handlers<S>>): Implementation {
  const notMeasured = () => {
    throw new Error("not measured");
  };
  const others = Object.fromEntries(service.methods.map(({ localName }) => [localName, notMeasured]));
  return implement(service, { ...others, ...handlers } as Handlers<S>);
}
