import { type DescService, getOption } from "@bufbuild/protobuf";
import * as eventsv1 from "@tenon/contracts/events/v1";
import { GATEWAY_SERVICES } from "@tenon/gateway";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { PLATFORM_SERVICES, type ServiceName } from "@tenon/platform";

export type Workload = ServiceName;
export const NAMES: readonly Workload[] = PLATFORM_SERVICES.map(({ name }) => name);

/** What runs in the cluster, the port that it serves on, and whether it has a database. */
export const WORKLOADS = Object.fromEntries(
  PLATFORM_SERVICES.map(({ name, port, stores }) => [name, { port, stores }]),
) as Readonly<Record<Workload, { readonly port: number; readonly stores: boolean }>>;
export const adminPortOf = (name: Workload): number => WORKLOADS[name].port + 1000;
export const healthPortOf = (name: Workload): number => WORKLOADS[name].port + 2000;

/** Who serves which service: the one of its own name its contract, and events are heard by order alone. */
const SERVED: readonly (readonly [Workload, readonly DescService[]])[] = await Promise.all(
  NAMES.filter((name) => name !== "gateway").map(async (name) => {
    const own = servicesOf(await import(`@tenon/contracts/${name}/v1`));
    return [name, name === "order" ? [...own, eventsv1.EventService] : own] as const;
  }),
);

export interface Edge {
  readonly from: Workload;
  readonly to: Workload;
}

/**
 * Who may open a connection to whom: whom the access rules of the contracts name, the gateway to what has routes, and who lets
 * users in to the user service, whose keys verify their tokens.
 */
export function callGraph(): readonly Edge[] {
  const named = SERVED.flatMap(([to, services]) => {
    const access = accessOf(services);
    const callers = NAMES.filter((name) => name !== to && access.includes(`service:${name}`));
    const routed = services.some((each) => GATEWAY_SERVICES.some(({ service }) => service === each));
    return [...callers, ...(routed ? ["gateway" as const] : [])].map((from) => ({ from, to }));
  });
  const lettingUsersIn = SERVED.filter(([name, services]) => {
    const access = accessOf(services);
    return name !== "user" && (access.includes("user") || access.includes("admin"));
  });
  const verifying = lettingUsersIn.map(([from]) => ({ from, to: "user" as const }));
  const all = new Map([...named, ...verifying].map((edge) => [`${edge.from} ${edge.to}`, edge]));
  return [...all.values()];
}

const accessOf = (services: readonly DescService[]): readonly string[] =>
  services.flatMap(({ methods }) => methods.flatMap((method) => getOption(method, optionsv1.method).access));

function servicesOf(contract: object): DescService[] {
  return Object.values(contract).filter((each): each is DescService => each?.kind === "service");
}
