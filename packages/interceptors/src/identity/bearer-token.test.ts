import { createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { startGreeter } from "../greeter-fixture.ts";
import { auth } from "./auth.ts";
import { bearerToken } from "./bearer-token.ts";

const REFUSED: [what: string, values: string[]][] = [
  ["two authorizations", ["Bearer a.b.c", "Bearer d.e.f"]],
  ["another scheme", ["Basic YWRhOmh1bnRlcjI="]],
  ["no scheme", ["a.b.c"]],
  ["a scheme alone", ["Bearer"]],
  ["nothing", [""]],
  ["two tokens", ["Bearer a.b.c a.b.c"]],
  ["a list of tokens", ["Bearer a.b.c, Bearer d.e.f"]],
  ["characters outside of base64url", ["Bearer a+b.c/d.e="]],
  ["no JWT", ["Bearer opaque"]],
  ["8 KiB and more", [`Bearer ${"a".repeat(8192)}.b.c`]],
];

for (const [what, values] of REFUSED) {
  for (const over of ["memory", "port"] as const) {
    // Node's HTTP/2 never sends a second one, and its server drops one that others send.
    if (over === "port" && values.length > 1) continue;
    test(`an authorization of ${what} is refused over ${over}`, async () => {
      const { greetings } = await startGreeter({ server: [auth({})], over });
      const metadata = createMetadata();
      for (const value of values) metadata.add("authorization", value);
      await expect(greetings.greet({}, { metadata })).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
        reason: "TOKEN_INVALID",
      });
    });
  }
}

for (const authorization of ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c"]) {
  test(`"${authorization}" bears a token`, () => {
    expect(bearerToken(createMetadata({ authorization }))).toBe("a.b.c");
  });
}

test("without authorization there is no token", () => expect(bearerToken(createMetadata())).toBeUndefined());

test("a hostile authorization is refused in linear time", () => {
  const authorization = `Bearer${" ".repeat(8000)}`;
  expect(() => bearerToken(createMetadata({ authorization }))).toThrow("not valid");
});
