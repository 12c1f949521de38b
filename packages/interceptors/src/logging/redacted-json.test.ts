import { create, createFileRegistry, type DescMessage, fromJson, type JsonValue } from "@bufbuild/protobuf";
import {
  AnySchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_timestamp,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import * as userv1 from "@tenon/contracts/user/v1";
import { expect, test } from "vitest";
import { redactedJson } from "./redacted-json.ts";

const redacted = { debugRedact: true };
const string = { type: Type.STRING };
const node = { type: Type.MESSAGE, typeName: ".odd.v1.Node" };
const any = { type: Type.MESSAGE, typeName: ".google.protobuf.Any" };
const field = (number: number, name: string, rest: object) => {
  const jsonName = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return { number, name, jsonName, label: Label.OPTIONAL, ...rest };
};

/** A message that holds itself in every way there is, with secrets of every kind. */
const Node: DescMessage = (() => {
  const entry = {
    name: "ByNameEntry",
    options: { mapEntry: true },
    field: [field(1, "key", string), field(2, "value", node)],
  };
  const file = create(FileDescriptorProtoSchema, {
    name: "odd.proto",
    package: "odd.v1",
    syntax: "proto3",
    dependency: ["google/protobuf/any.proto", "google/protobuf/timestamp.proto"],
    messageType: [
      {
        name: "Node",
        nestedType: [entry],
        oneofDecl: [{ name: "choice" }],
        field: [
          field(1, "name", string),
          field(2, "secret", { ...string, options: redacted }),
          field(3, "secrets", { ...string, label: Label.REPEATED, options: redacted }),
          field(4, "child", node),
          field(5, "children", { ...node, label: Label.REPEATED }),
          field(6, "by_name", { type: Type.MESSAGE, typeName: ".odd.v1.Node.ByNameEntry", label: Label.REPEATED }),
          field(7, "chosen", { ...node, oneofIndex: 0 }),
          field(8, "hidden_child", { ...node, options: redacted }),
          field(9, "pin", { type: Type.INT64, jsonName: "thePin", options: redacted }),
          field(10, "at", { type: Type.MESSAGE, typeName: ".google.protobuf.Timestamp" }),
          field(11, "anything", any),
        ],
      },
    ],
  });
  const files = [file_google_protobuf_any.proto, file_google_protobuf_timestamp.proto, file];
  const desc = createFileRegistry(create(FileDescriptorSetSchema, { file: files })).getMessage("odd.v1.Node");
  if (desc === undefined) throw new Error("no such message");
  return desc;
})();

const SECRET = { name: "n", secret: "canary", secrets: ["canary"], hiddenChild: { name: "canary" }, thePin: "666" };
const CLEAN = {
  name: "n",
  secret: "[redacted]",
  secrets: "[redacted]",
  hiddenChild: "[redacted]",
  thePin: "[redacted]",
};

for (const [where, of] of Object.entries({
  "at the top": (leaf: JsonValue) => leaf,
  "in a message": (leaf: JsonValue) => ({ child: leaf }),
  "in a list": (leaf: JsonValue) => ({ children: [{}, leaf] }),
  "in a map": (leaf: JsonValue) => ({ byName: { child: leaf, "": {} } }),
  "in a oneof": (leaf: JsonValue) => ({ chosen: leaf }),
  "deep down": (leaf: JsonValue) => ({ children: [{ byName: { x: { child: { chosen: leaf } } } }] }),
})) {
  test(`59: secrets ${where} are redacted and nothing else`, () => {
    const json = redactedJson(Node, fromJson(Node, of({ ...SECRET, at: "2026-01-01T00:00:00Z" })));
    expect(json).toEqual(of({ ...CLEAN, at: "2026-01-01T00:00:00Z" }));
  });
}

test("fields that are not set are not there", () => {
  expect(redactedJson(Node, create(Node))).toEqual({});
});

test("a message with an Any has no JSON", () => {
  const anything = create(AnySchema, { typeUrl: "type.googleapis.com/odd.v1.Node", value: new Uint8Array([1]) });
  expect(() => redactedJson(Node, create(Node, { anything } as never))).toThrow();
});

test("59: of a log-in remains that it was one", () => {
  const request = create(userv1.CreateSessionRequestSchema, { email: "ada@example.com", password: "canary" });
  expect(redactedJson(userv1.CreateSessionRequestSchema, request)).toEqual({
    email: "[redacted]",
    password: "[redacted]",
  });
});
