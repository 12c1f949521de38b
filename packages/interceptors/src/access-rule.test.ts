import { create, createFileRegistry, setExtension } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import * as userv1 from "@tenon/contracts/user/v1";
import type { Method } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { expect, test } from "vitest";
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

/** A method that declares these words, or has no policy at all. */
function methodWith(access?: string[]): Method {
  const options = create(MethodOptionsSchema);
  if (access !== undefined) setExtension(options, optionsv1.method, create(optionsv1.MethodPolicySchema, { access }));
  const file = create(FileDescriptorProtoSchema, {
    name: "odd.proto",
    package: "odd.v1",
    syntax: "proto3",
    messageType: [{ name: "Thing" }],
    service: [
      {
        name: "OddService",
        method: [{ name: "Do", inputType: ".odd.v1.Thing", outputType: ".odd.v1.Thing", options }],
      },
    ],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  const desc = registry.getService("odd.v1.OddService")?.methods[0];
  if (desc === undefined) throw new Error("no such method");
  const known = { path: "/odd.v1.OddService/Do", service: "odd.v1.OddService", name: "Do" };
  return { ...known, requestStream: false, responseStream: false, desc };
}

for (const [what, method] of [
  ["no policy", methodWith()],
  ["an empty one", methodWith([])],
] as const) {
  test(`a method with ${what} is closed to everyone`, () => {
    const rule = contractRule(method);
    expect(Object.values(CALLERS).filter(rule)).toEqual([]);
  });
}

for (const word of ["", "users", "Public", "service:", "service:Order", "service:order ", "service:*", "role:admin"]) {
  test(`the unknown word "${word}" stops the start and names its method`, () => {
    expect(() => auth({ methods: [methodWith(["user", word])] })).toThrow(
      `/odd.v1.OddService/Do: unknown word "${word}" in its access rule`,
    );
  });
}

test("rules are read from the contracts of the platform", () => {
  const desc = userv1.UserService.method.listUsers;
  const rule = contractRule({ ...methodWith(), desc });
  expect(Object.entries(CALLERS).filter(([, principal]) => rule(principal))).toHaveLength(1);
});
