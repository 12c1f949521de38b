import { execFileSync } from "node:child_process";
import { createRegistry, fromJsonString } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { expect, test } from "vitest";
import { firstCalls } from "./first-call.ts";

const contracts = createRegistry(
  greeterv1.GreetingService,
  userv1.UserService,
  userv1.SessionService,
  orderv1.CatalogService,
  orderv1.OrderService,
);
const part = (name: string, port: number) => ({
  name,
  address: `127.0.0.1:${port}`,
  adminAddress: `127.0.0.1:${port + 1000}`,
});
const services = [part("greeter", 8080), part("user", 8081), part("order", 8082), part("payment", 8083)];
const newId = () => "0190a4be-77e5-7d7f-8b53-3e4fb5d6c1aa";
const calls = firstCalls({ services, newId });

/** What a shell would start for these commands, with a program that prints its arguments in grpcurl's place. */
function argumentsOf(commands: readonly string[]): string[][] {
  const script = `grpcurl() { printf '%s\\n' "$@" >&2; echo "--" >&2; printf '  "id": "x1",\n  "accessToken": "t1"\n'; }`;
  const seen = execFileSync("sh", ["-e", "-c", `exec 2>&1; ${script}; { ${commands.join("\n")}\n} >/dev/null`], {
    encoding: "utf8",
  });
  return seen
    .split("--\n")
    .slice(0, -1)
    .map((call) => call.trimEnd().split("\n"));
}

test("they walk from a list of services to an order that is watched", () => {
  expect(argumentsOf(calls).map((args) => args.at(-1))).toEqual([
    "list",
    "greeter.v1.GreetingService/Greet",
    "user.v1.UserService/CreateUser",
    "user.v1.SessionService/CreateSession",
    "order.v1.CatalogService/ListProducts",
    "order.v1.CatalogService/ListProducts",
    "order.v1.OrderService/CreateOrder",
    "order.v1.OrderService/WatchOrder",
  ]);
});

test("where there is a gateway, one of them is plain HTTP", () => {
  const gateway = { ...part("gateway", 8000), protocol: "http" as const };
  const more = firstCalls({ services: [gateway, ...services], newId });
  expect(more.filter((call) => !calls.includes(call))).toEqual([
    `curl -X POST http://127.0.0.1:8000/v1/greet -d '{"name": "John"}'`,
  ]);
});

test("every request is one of its method", () => {
  for (const args of argumentsOf(calls)) {
    const [service = "", method] = (args.at(-1) ?? "").split("/");
    const desc = contracts.getService(service)?.methods.find(({ name }) => name === method);
    const data = args.indexOf("-d");
    if (desc && data >= 0) fromJsonString(desc.input, args[data + 1] ?? "");
    expect(desc !== undefined || args.at(-1) === "list").toBe(true);
  }
});

test("what one call answers, the next ones send", () => {
  const create = argumentsOf(calls).find((args) => args.at(-1)?.endsWith("/CreateOrder")) ?? [];
  expect(create).toContain("authorization: Bearer t1");
  expect(create.join("\n")).toContain('"product_id": "x1"');
});

for (const [only, expected] of [
  ["user", ["list", "user.v1.UserService/CreateUser", "user.v1.SessionService/CreateSession"]],
  ["payment", ["list"]],
] as const) {
  test(`of ${only} alone there are only its own`, () => {
    const own = firstCalls({ services: services.filter(({ name }) => name === only), newId });
    expect(argumentsOf(own).map((args) => args.at(-1))).toEqual(expected);
  });
}
