import type { RunningPart } from "./platform.ts";

export interface FirstCallOptions {
  services: readonly RunningPart[];
  /** Ids for what the calls make: fresh ones, so that they work at every start; the same call twice is answered alike. */
  newId: () => string;
}

/**
 * A first walk through the platform as commands for a shell, each of which can be copied as it stands, in their order.
 * Only of services that run.
 */
export function firstCalls({ services, newId }: FirstCallOptions): string[] {
  const at = new Map(services.map(({ name, address }) => [name, address]));
  const [greeter, user, order, gateway] = ["greeter", "user", "order", "gateway"].map((name) => at.get(name));
  const calls: string[] = [];
  const grpcurl = grpcurlFor(services);
  const list = services.find(({ protocol }) => protocol !== "http");
  if (list) calls.push(`${grpcurl} ${list.address} list`);
  if (greeter) calls.push(`${grpcurl} -d '{"name": "John"}' ${greeter} greeter.v1.GreetingService/Greet`);
  if (gateway && greeter) calls.push(`curl -X POST http://${gateway}/v1/greet -d '{"name": "John"}'`);
  if (user) {
    const login = { email: `ada-${newId().slice(-6)}@example.com`, password: "correct-horse-battery" };
    const signUp = { request_id: newId(), ...login, display_name: "Ada" };
    calls.push(
      `${grpcurl} -d '${json(signUp)}' ${user} user.v1.UserService/CreateUser`,
      `TOKEN=$(${grpcurl} -d '${json(login)}' ${user} user.v1.SessionService/CreateSession | ${first("accessToken")})`,
    );
  }
  if (order) {
    calls.push(
      `${grpcurl} ${order} order.v1.CatalogService/ListProducts`,
      `PRODUCT=$(${grpcurl} ${order} order.v1.CatalogService/ListProducts | ${first("id")})`,
    );
  }
  if (user && order) {
    const create = { request_id: newId(), items: [{ product_id: "$PRODUCT", quantity: 2 }], payment_method: "pm_ok" };
    const mine = `${grpcurl} -H "authorization: Bearer $TOKEN"`;
    calls.push(
      `ORDER=$(${mine} -d '${open(json(create))}' ${order} order.v1.OrderService/CreateOrder | ${first("id")})`,
      `${mine} -d '${open(json({ order_id: "$ORDER" }))}' ${order} order.v1.OrderService/WatchOrder`,
    );
  }
  return calls;
}

const json = (value: unknown) => JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "');

/** Leaves the single quotes for a variable of the shell, and comes back. */
const open = (text: string) => text.replaceAll(/\$[A-Z]+/g, (name) => `'${name}'`);

/** The first value of a field in grpcurl's output. */
const first = (field: string) => `sed -n 's/.*"${field}": "\\(.*\\)".*/\\1/p' | head -n 1`;

/** With the certificates of one service, which are as good as any other's for a walk. */
function grpcurlFor(services: readonly RunningPart[]): string {
  const { tls } = services.find((service) => service.tls !== undefined) ?? {};
  if (tls === undefined) return "grpcurl -plaintext";
  const ca = tls.caFile === undefined ? "" : ` -cacert ${tls.caFile}`;
  return `grpcurl${ca} -cert ${tls.certFile} -key ${tls.keyFile}`;
}
