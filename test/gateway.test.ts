import { getOption } from "@bufbuild/protobuf";
import { GATEWAY_SERVICES } from "@tenon/gateway";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { buildPath, httpRoutes } from "@tenon/transcoding";
import { expect, test } from "vitest";
import { ADMIN, ask, exchange, id, logIn, post, reasonOf, seen, signUp, watch } from "./rest-client.ts";

test("greetings of all kinds", async () => {
  const greet = await ask("POST /v1/greet", "/v1/greet", { body: '{"name":"John"}' });
  expect(greet).toMatchObject({ status: 200, text: '{"message":"Hello John"}' });
  const nobody = await ask("POST /v1/greet", "/v1/greet", { body: {} });
  expect(nobody).toMatchObject({ status: 400, json: { code: 3, message: "name is required" } });
  expect(reasonOf(nobody.json)).toBe("NAME_REQUIRED");

  const lines = '{"name":"Ada"}\n{"name":"Eve"}\n{"last":true,"count":2}\n';
  const ndjson = { "content-type": "application/x-ndjson" };
  const recorded = await ask("POST /v1/greetings:record", "/v1/greetings:record", { body: lines, headers: ndjson });
  expect(recorded).toMatchObject({ status: 200, json: { count: 2 } });
  const cut = await ask("POST /v1/greetings:record", "/v1/greetings:record", {
    body: '{"name":"Ada"}\n',
    headers: ndjson,
  });
  expect(cut.status).toBe(400);
  expect(reasonOf(cut.json)).toBe("STREAM_INCOMPLETE");

  const list = await ask("GET /v1/greetings", "/v1/greetings?names=John&names=Jane");
  expect(list.json).toEqual([{ message: "Hello John" }, { message: "Hello Jane" }]);
  const latest = await ask("GET /v1/greetings", "/v1/greetings");
  expect(latest.json).toEqual([{ message: "Hello Eve" }, { message: "Hello Ada" }]);

  const chat = await ask("GET /v1/greetings:chat", "/v1/greetings:chat");
  expect(chat).toMatchObject({ status: 426 });
  expect(await exchange("/v1/greetings:chat", '{"name":"John"}')).toEqual({
    messages: ['{"message":"Hello John"}'],
    code: 1000,
  });
});

test("generated clients of Connect and gRPC-Web call what has a route, and nothing else", async () => {
  const greet = await post("/greeter.v1.GreetingService/Greet", { name: "John" });
  expect(greet).toMatchObject({ status: 200, json: { message: "Hello John" } });
  const inside = await post("/payment.v1.PaymentService/AuthorizePayment", {});
  expect(inside).toMatchObject({ status: 404 });
  const me = await post("/user.v1.UserService/GetMe", {});
  expect(me).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
});

test("an account, from sign-up to its end", async () => {
  const ada = await signUp();
  const { token, user } = ada;
  const at = `/v1/users/${user.id}`;
  expect((await ask("GET /v1/me", "/v1/me", { token })).json).toEqual(user);
  expect((await ask("GET /v1/users/{user_id}", at, { token })).json).toEqual(user);
  const nobody = await ask("GET /v1/me", "/v1/me");
  expect(nobody).toMatchObject({ status: 401 });
  expect(nobody.headers.get("www-authenticate")).toBe("Bearer");
  expect(reasonOf(nobody.json)).toBe("TOKEN_MISSING");
  expect((await ask("GET /v1/users/{user_id}", `/v1/users/${id()}`, { token })).status).toBe(403);

  const again = await ask("POST /v1/users", "/v1/users", { body: ada.body });
  expect(again.json).toEqual(user);
  expect(again.headers.get("grpc-trailer-idempotent-replayed")).toBe("true");
  const taken = await ask("POST /v1/users", "/v1/users", { body: { ...ada.body, request_id: id() } });
  expect(taken.status).toBe(409);
  expect(reasonOf(taken.json)).toBe("EMAIL_TAKEN");

  const patch = { token, body: { displayName: "Countess", etag: user.etag } };
  const renamed = await ask("PATCH /v1/users/{user.id}", `${at}?request_id=${id()}`, patch);
  expect(renamed).toMatchObject({ status: 200, json: { displayName: "Countess", email: ada.email } });
  const stale = await ask("PATCH /v1/users/{user.id}", `${at}?request_id=${id()}`, patch);
  expect(stale.status).toBe(409);
  expect(reasonOf(stale.json)).toBe("ETAG_MISMATCH");

  const seenAs = await ask("GET /v1/users/{user_id}", at, { token });
  const etag = seenAs.headers.get("etag") ?? "";
  expect(etag).toBe(`"${seenAs.json.etag}"`);
  const same = await ask("GET /v1/users/{user_id}", at, { token, headers: { "if-none-match": etag } });
  expect({ status: same.status, text: same.text }).toEqual({ status: 304, text: "" });
  for (const [tag, status] of [
    [`"${user.etag}"`, 412],
    [etag, 200],
  ] as const) {
    const change = { token, body: { displayName: "Lady" }, headers: { "if-match": tag } };
    expect((await ask("PATCH /v1/users/{user.id}", `${at}?request_id=${id()}`, change)).status).toBe(status);
  }

  const newPassword = "another-horse-battery";
  const change = { request_id: id(), old_password: ada.password, new_password: newPassword };
  const changed = await ask("POST /v1/users/{user_id}:changePassword", `${at}:changePassword`, { token, body: change });
  expect(changed).toMatchObject({ status: 200, json: {} });

  const fresh = await logIn(ada.email, newPassword);
  const refresh = { request_id: id(), refresh_token: fresh.refresh };
  const refreshed = await ask("POST /v1/sessions:refresh", "/v1/sessions:refresh", { body: refresh });
  expect(refreshed).toMatchObject({ status: 200, json: { sessionId: fresh.session } });
  const over = await ask("DELETE /v1/sessions/{session_id}", `/v1/sessions/${fresh.session}?request_id=${id()}`, {
    token,
  });
  expect(over).toMatchObject({ status: 200, json: {} });

  const erased = await ask("DELETE /v1/users/{user_id}", `${at}?request_id=${id()}`, { token });
  expect(erased).toMatchObject({ status: 200, json: {} });
});

test("what an admin does with users", async () => {
  const ada = await signUp();
  const { token } = await logIn(ADMIN.email, ADMIN.password);
  expect((await ask("GET /v1/users", "/v1/users", { token: ada.token })).status).toBe(403);
  const page = await ask("GET /v1/users", "/v1/users?page_size=1&state=USER_STATE_ACTIVE", { token });
  expect(page.json).toMatchObject({ users: [{ id: ada.user.id }], nextPageToken: expect.any(String) });
  const next = await ask("GET /v1/users", `/v1/users?page_size=1&page_token=${page.json.nextPageToken}&state=2`, {
    token,
  });
  expect(reasonOf(next.json)).toBe("PAGE_TOKEN_INVALID");
  for (const [verb, state] of [
    ["block", "USER_STATE_BLOCKED"],
    ["unblock", "USER_STATE_ACTIVE"],
  ] as const) {
    const route = `POST /v1/users/{user_id}:${verb}`;
    const done = await ask(route, `/v1/users/${ada.user.id}:${verb}`, {
      token,
      body: { request_id: id() },
    });
    expect(done.json).toMatchObject({ id: ada.user.id, state });
  }
});

test("the keys that verify tokens", async () => {
  const { json } = await ask("GET /.well-known/jwks.json", "/.well-known/jwks.json");
  expect(json.keys[0]).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" });
});

test("16: an admin makes a product, and its price is exact, as text to its last digit", async () => {
  const { token } = await logIn(ADMIN.email, ADMIN.password);
  const product = {
    sku: `SKU-${id().slice(0, 8).toUpperCase()}`,
    name: "Chisel",
    price: { currencyCode: "USD", units: "12", nanos: 340000000 },
  };
  const made = await ask("POST /v1/products", "/v1/products", { token, body: { request_id: id(), product } });
  expect(made).toMatchObject({ status: 200, json: product });
  const at = `/v1/products/${made.json.id}`;
  expect((await ask("GET /v1/products/{product_id}", at)).json).toEqual(made.json);
  // No double is this number.
  const huge = { currencyCode: "USD", units: "90071992547409931" };
  const dearest = await ask("PATCH /v1/products/{product.id}", `${at}?request_id=${id()}`, {
    token,
    body: { price: huge },
  });
  expect(dearest).toMatchObject({ status: 200, json: { price: huge } });
  expect((await ask("GET /v1/products/{product_id}", at)).json.price).toEqual(huge);
  const price = { currency_code: "USD", units: 13 };
  const dearer = await ask("PATCH /v1/products/{product.id}", `${at}?request_id=${id()}`, { token, body: { price } });
  expect(dearer).toMatchObject({ status: 200, json: { name: "Chisel", price: { currencyCode: "USD", units: "13" } } });
  const missing = await ask("GET /v1/products/{product_id}", `/v1/products/${id()}`);
  expect(reasonOf(missing.json)).toBe("PRODUCT_NOT_FOUND");
});

test("an order, watched until it is confirmed, and its payment", async () => {
  const { token } = await signUp();
  const { json: catalogue } = await ask("GET /v1/products", "/v1/products");
  const items = [{ product_id: catalogue.products[0].id, quantity: 2 }];
  const body = { request_id: id(), items, payment_method: "pm_ok" };
  const placed = await ask("POST /v1/orders", "/v1/orders", { token, body });
  expect(placed).toMatchObject({ status: 200, json: { state: "ORDER_STATE_PENDING" } });
  const at = `/v1/orders/${placed.json.id}`;

  const events = await watch(`${at}:watch`, token, "ORDER_STATE_CONFIRMED");
  const ids = events.map((event) => Number(event.id));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  const confirmed = await ask("GET /v1/orders/{order_id}", at, { token });
  expect(confirmed.json).toMatchObject({ state: "ORDER_STATE_CONFIRMED", version: events.at(-1)?.id });
  expect((await ask("GET /v1/orders", "/v1/orders?page_size=5", { token })).json.orders).toEqual([confirmed.json]);

  const payment = await ask("GET /v1/payments/{payment_id}", `/v1/payments/${confirmed.json.paymentId}`, { token });
  expect(payment.json).toMatchObject({ orderId: placed.json.id, state: "PAYMENT_STATE_CAPTURED" });
  const payments = await ask("GET /v1/payments", `/v1/payments?order_id=${placed.json.id}`, { token });
  expect(payments.json.payments).toEqual([payment.json]);

  const admin = await logIn(ADMIN.email, ADMIN.password);
  const { currencyCode } = confirmed.json.total;
  const refund = { token: admin.token, body: { request_id: id(), amount: { currencyCode, units: "1" } } };
  const refunded = await ask("POST /v1/orders/{order_id}:refund", `${at}:refund`, refund);
  expect(refunded).toMatchObject({ status: 200, json: { state: "ORDER_STATE_CONFIRMED", refunding: { units: "1" } } });

  const cancel = { token, body: { request_id: id() } };
  const cancelled = await ask("POST /v1/orders/{order_id}:cancel", `${at}:cancel`, cancel);
  expect(cancelled).toMatchObject({ status: 200, json: { state: "ORDER_STATE_REFUNDING" } });
  // Taken up where the first watch was left: nothing of before comes again.
  const later = await watch(`${at}:watch`, token, "ORDER_STATE_REFUNDED", { "last-event-id": events.at(-1)?.id ?? "" });
  expect(Number(later[0]?.id)).toBeGreaterThan(Number(events.at(-1)?.id));
});

test("whoever has no right to an order gets no stream of it either", async () => {
  const { token } = await signUp();
  const refused = await ask("GET /v1/orders/{order_id}:watch", `/v1/orders/${id()}:watch`, { token });
  expect(refused).toMatchObject({ status: 403, json: { code: 7 } });
});

test("the rules of the contract are refused as the rules of JSON are, by field", async () => {
  const { token } = await signUp();
  const body = { request_id: "x", items: [{ product_id: id(), quantity: 0 }], payment_method: "card" };
  const { json } = await ask("POST /v1/orders", "/v1/orders", { token, body });
  const bad = json.details.find((detail: { "@type": string }) => detail["@type"].endsWith("BadRequest"));
  expect(bad.fieldViolations.map(({ field }: { field: string }) => field)).toEqual([
    "request_id",
    "items[0].quantity",
    "payment_method",
  ]);
});

test("an admin reads the books", async () => {
  const { token } = await logIn(ADMIN.email, ADMIN.password);
  const entries = await ask("GET /v1/ledger/entries", "/v1/ledger/entries?page_size=1", { token });
  expect(entries).toMatchObject({ status: 200, json: { entries: [{}] } });
  const balance = await ask("GET /v1/ledger/balance", "/v1/ledger/balance", { token });
  expect(balance.status).toBe(200);
  const findings = await ask("GET /v1/findings", "/v1/findings?state=FINDING_STATE_OPEN", { token });
  expect(findings).toMatchObject({ status: 200, json: {} });
});

const routes = httpRoutes(GATEWAY_SERVICES.map(({ service }) => service));
const closed = routes.filter(({ method }) => !getOption(method, optionsv1.method).access.includes("public"));

for (const { httpMethod, template, body } of closed) {
  const route = `${httpMethod} ${template.text}`;
  test(`nobody is let in at ${route} without a token`, async () => {
    const path = buildPath(template, Object.fromEntries(template.variables.map(({ fieldPath }) => [fieldPath, id()])));
    const refused = await ask(route, path, body ? { body: {} } : {});
    expect({ status: refused.status, reason: reasonOf(refused.json) }).toEqual({
      status: 401,
      reason: "TOKEN_MISSING",
    });
  });
}

test("every route of the contracts was gone through, and no other", () => {
  const declared = routes.map(({ httpMethod, template }) => `${httpMethod} ${template.text}`);
  expect([...seen].sort()).toEqual(declared.sort());
});
