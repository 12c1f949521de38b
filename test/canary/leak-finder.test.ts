import { createTestIssuer } from "@tenon/testing";
import { expect, test } from "vitest";
import { createLeakFinder } from "./leak-finder.ts";

const finder = createLeakFinder("cnry5f3a9c01");
const bytes = (before: string) => Buffer.from(`${before}cnry5f3a9c01 and more`);

for (const [how, text] of [
  ["as it is", "the password is cnry5f3a9c01-7"],
  ["in a JSON string", JSON.stringify({ email: 'a "quoted" cnry5f3a9c01@example.com' })],
  ["in a URL", `/v1/users?${new URLSearchParams({ email: "cnry5f3a9c01@example.com" })}`],
  ["in hex", `\\x${bytes("p").toString("hex")}`],
  ...["", "p", "pw"].map((before) => [`in base64, behind ${before.length}`, bytes(before).toString("base64")] as const),
  ["in base64url", bytes("?>").toString("base64url")],
] as const) {
  test(`a secret is found ${how}`, () => expect(finder.find(`before ${text} behind`)).toBeDefined());
}

test("a JWT is found, whoever made it", async () => {
  const issuer = createTestIssuer();
  const token = await issuer.userToken({ id: crypto.randomUUID() });
  expect(finder.find(`{"authorization":"Bearer ${token}"}`)).toContain(token);
});

test("what is no secret is not taken for one", () => {
  expect(finder.find(`{"request_id":"${crypto.randomUUID()}","msg":"finished call eyJ"}`)).toBeUndefined();
});
