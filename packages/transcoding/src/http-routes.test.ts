import { create } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import * as apiv1 from "@tenon/options/google/api";
import { expect, test } from "vitest";
import { createRouter, httpRoutes, routesOf } from "./http-routes.ts";

const SERVICES = [
  greeterv1.GreetingService,
  userv1.UserService,
  userv1.SessionService,
  userv1.KeyService,
  orderv1.CatalogService,
  orderv1.OrderService,
  paymentv1.PaymentService,
];

test("the routes of the platform's contracts do not clash, and what has no annotation has no route", () => {
  const routes = httpRoutes(SERVICES);
  createRouter(routes);
  const names = routes.map(({ httpMethod, template, method }) => `${httpMethod} ${template.text} ${method.name}`);
  expect(names).toContain("POST /v1/greet Greet");
  expect(names).toContain("GET /v1/orders/{order_id}:watch WatchOrder");
  expect(names.filter((name) => name.includes("CapturePayment"))).toEqual([]);
});

type Rule = Parameters<typeof create<typeof apiv1.HttpRuleSchema>>[1];
const get = (path: string): Rule => ({ pattern: { case: "get", value: path } });
const post = (path: string, body = ""): Rule => ({ pattern: { case: "post", value: path }, body });
const { getUser, updateUser } = userv1.UserService.method;
const { recordGreetings, listGreetings } = greeterv1.GreetingService.method;

for (const [method, rule, what] of [
  [getUser, {}, "user.v1.UserService.GetUser: a rule without a path"],
  [getUser, get("/v1/{user_id"), "GetUser: path template"],
  [getUser, get("/v1/{id}"), "user.v1.GetUserRequest has no field id"],
  [updateUser, get("/v1/{user}"), "user is not one value"],
  [updateUser, get("/v1/{user.nope}"), "has no field user.nope"],
  [listGreetings, get("/v1/{names}"), "names is not one value"],
  [getUser, { ...get("/v1"), body: "*" }, "GET has no body"],
  [getUser, post("/v1", "nope"), "has no field nope"],
  [getUser, { ...get("/v1"), responseBody: "nope" }, "user.v1.GetUserResponse has no field nope"],
  [getUser, { pattern: { case: "custom", value: { kind: "G E T", path: "/v1" } } }, '"G E T" is no HTTP method'],
  [recordGreetings, post("/v1/{name}", "*"), "no one message"],
  [recordGreetings, post("/v1"), 'has body "*"'],
  [getUser, { ...get("/a"), additionalBindings: [{ ...get("/b"), additionalBindings: [get("/c")] }] }, "additional"],
] as [typeof getUser, Rule, string][]) {
  test(`a rule is refused: ${what}`, () => {
    expect(() => routesOf(method, create(apiv1.HttpRuleSchema, rule))).toThrow(what);
  });
}

test("two methods on the same paths are refused by both their names", () => {
  const routes = [
    ...routesOf(getUser, create(apiv1.HttpRuleSchema, get("/v1/x/{user_id}"))),
    ...routesOf(updateUser, create(apiv1.HttpRuleSchema, get("/v1/x/{user.id}"))),
  ];
  expect(() => createRouter(routes)).toThrow(
    "GET is claimed twice for the same paths: by user.v1.UserService.GetUser (/v1/x/{user_id}) and user.v1.UserService.UpdateUser (/v1/x/{user.id})",
  );
});

test("a rule for any method serves those that have none of their own", () => {
  const any: Rule = { pattern: { case: "custom", value: { kind: "*", path: "/v1/x/{user_id}" } } };
  const router = createRouter([
    ...routesOf(getUser, create(apiv1.HttpRuleSchema, any)),
    ...routesOf(updateUser, create(apiv1.HttpRuleSchema, get("/v1/x/{user.id}"))),
  ]);
  expect(router.match("GET", "/v1/x/1")?.value.method.name).toBe("UpdateUser");
  expect(router.match("PURGE", "/v1/x/1")?.value.method.name).toBe("GetUser");
});
