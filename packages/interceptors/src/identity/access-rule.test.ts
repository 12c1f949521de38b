import * as userv1 from "@tenon/contracts/user/v1";
import { expect, test } from "vitest";
import { oddMethod } from "../method-fixture.ts";
import { contractRule, toAccessRule } from "./access-rule.ts";
import { auth } from "./auth.ts";
import { ANONYMOUS, type Principal } from "./principal.ts";

const CALLERS: Record<string, Principal> = {
  nobody: ANONYMOUS,
  user: { kind: "user", id: "u", role: "user", sessionId: "s" },
  admin: { kind: "user", id: "a", role: "admin", sessionId: "s" },
  order: { kind: "service", name: "order" },
  payment: { kind: "service", name: "payment" },
};

const RULES: [words: string[], allowed: string][] = [
  [[], ""],
  [["public"], "nobody user admin order payment"],
  [["user"], "user admin"],
  [["admin"], "admin"],
  [["service:order"], "order"],
  [["admin", "service:order"], "admin order"],
  [["service:order", "service:payment"], "order payment"],
  [["user", "public"], "nobody user admin order payment"],
];

for (const [words, allowed] of RULES) {
  test(`[${words.join(", ")}] lets in ${allowed || "nobody at all"}`, () => {
    const rule = toAccessRule(words, "/x");
    const letIn = Object.entries(CALLERS).filter(([, principal]) => rule(principal));
    expect(letIn.map(([name]) => name).join(" ")).toBe(allowed);
  });
}

for (const [what, method] of [
  ["no policy", oddMethod({})],
  ["an empty one", oddMethod({ access: [] })],
] as const) {
  test(`a method with ${what} is closed to everyone`, () => {
    const rule = contractRule(method);
    expect(Object.values(CALLERS).filter(rule)).toEqual([]);
  });
}

for (const word of ["", "users", "Public", "service:", "service:Order", "service:order ", "service:*", "role:admin"]) {
  test(`the unknown word "${word}" stops the start and names its method`, () => {
    expect(() => auth({ methods: [oddMethod({ access: ["user", word] })] })).toThrow(
      `/odd.v1.OddService/Do: unknown word "${word}" in its access rule`,
    );
  });
}

test("rules are read from the contracts of the platform", () => {
  const desc = userv1.UserService.method.listUsers;
  const rule = contractRule({ ...oddMethod({}), desc });
  expect(Object.entries(CALLERS).filter(([, principal]) => rule(principal))).toHaveLength(1);
});
