import { type DescService, getOption } from "@bufbuild/protobuf";
import * as eventsv1 from "@tenon/contracts/events/v1";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { GATEWAY_SERVICES } from "@tenon/gateway";
import * as optionsv1 from "@tenon/options/tenon/options/v1";

/** What runs in the cluster, and the port that it serves on. */
export const WORKLOADS = {
  greeter: { port: 8080, stores: true },
  user: { port: 8081, stores: true },
  order: { port: 8082, stores: true },
  payment: { port: 8083, stores: true },
  processor: { port: 8084, stores: true },
  gateway: { port: 8000, stores: false },
} as const;

export type Workload = keyof typeof WORKLOADS;
export const NAMES = Object.keys(WORKLOADS) as Workload[];
export const adminPortOf = (name: Workload): number => WORKLOADS[name].port + 1000;
export const healthPortOf = (name: Workload): number => WORKLOADS[name].port + 2000;

/** Who serves which service. Events are heard by order alone. */
const SERVED: readonly (readonly [Workload, readonly DescService[]])[] = [
  ["greeter", servicesOf(greeterv1)],
  ["user", servicesOf(userv1)],
  ["order", [...servicesOf(orderv1), eventsv1.EventService]],
  ["payment", servicesOf(paymentv1)],
  ["processor", servicesOf(processorv1)],
];

/** What no access rule tells, because everybody may: users' tokens are verified by the keys that the user service publishes. */
const PUBLIC_CALLS: readonly Edge[] = [
  { from: "order", to: "user" },
  { from: "payment", to: "user" },
];

export interface Edge {
  readonly from: Workload;
  readonly to: Workload;
}

/** Who may open a connection to whom: whom the access rules of the contracts name, and the gateway to what has routes. */
export function callGraph(): readonly Edge[] {
  const edges = SERVED.flatMap(([to, services]) => {
    const access = services.flatMap(({ methods }) =>
      methods.flatMap((method) => getOption(method, optionsv1.method).access),
    );
    const callers = NAMES.filter((name) => name !== to && access.includes(`service:${name}`));
    const routed = services.some((each) => GATEWAY_SERVICES.some(({ service }) => service === each));
    return [...callers, ...(routed ? ["gateway" as const] : [])].map((from) => ({ from, to }));
  });
  const all = new Map([...edges, ...PUBLIC_CALLS].map((edge) => [`${edge.from} ${edge.to}`, edge]));
  return [...all.values()];
}

function servicesOf(contract: object): DescService[] {
  return Object.values(contract).filter((each): each is DescService => each?.kind === "service");
}
