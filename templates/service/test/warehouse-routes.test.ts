import { expect, test } from "vitest";
import { ADMIN, ask, id, logIn, reasonOf, signUp } from "./rest-client.ts";

test("what is made by REST is found by its id, and in the list of all", async () => {
  const { token, user } = await signUp();
  const body = { request_id: id(), name: "the first" };
  const made = await ask("POST /v1/widgets", "/v1/widgets", { token, body });
  expect(made).toMatchObject({ status: 200, json: { name: "the first", ownerId: user.id } });
  const again = await ask("POST /v1/widgets", "/v1/widgets", { token, body });
  expect(again.json).toEqual(made.json);
  expect(again.headers.get("grpc-trailer-idempotent-replayed")).toBe("true");

  const at = `/v1/widgets/${made.json.id}`;
  expect((await ask("GET /v1/widgets/{widget_id}", at, { token })).json).toEqual(made.json);
  const stranger = await signUp();
  const refused = await ask("GET /v1/widgets/{widget_id}", at, { token: stranger.token });
  expect({ status: refused.status, reason: reasonOf(refused.json) }).toEqual({ status: 403, reason: "NOT_ALLOWED" });

  const admin = await logIn(ADMIN.email, ADMIN.password);
  const all = await ask("GET /v1/widgets", "/v1/widgets?page_size=1", { token: admin.token });
  expect(all.json).toMatchObject({ widgets: [made.json] });
});

test("a request that is wrong is told by its fields", async () => {
  const { token } = await signUp();
  const { status, json } = await ask("POST /v1/widgets", "/v1/widgets", { token, body: { request_id: "1" } });
  const bad = json.details.find((detail: { "@type": string }) => detail["@type"].endsWith("BadRequest"));
  const fields = bad.fieldViolations.map(({ field }: { field: string }) => field);
  expect({ status, fields }).toEqual({ status: 400, fields: ["request_id", "name"] });
});
