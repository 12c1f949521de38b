import { create } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { commentsOf } from "./proto-comments.ts";

const file = (location: { path: number[]; leadingComments?: string }[]) =>
  create(FileDescriptorProtoSchema, {
    package: "odd.v1",
    messageType: [
      {
        name: "Thing",
        field: [{ name: "size" }],
        nestedType: [{ name: "Part", field: [{ name: "weight" }] }],
        enumType: [{ name: "Kind", value: [{ name: "KIND_SMALL" }] }],
      },
    ],
    enumType: [{ name: "Color", value: [{ name: "COLOR_RED" }] }],
    service: [{ name: "ThingService", method: [{ name: "Get" }] }],
    sourceCodeInfo: { location },
  });

for (const [path, name] of [
  [[4, 0], "odd.v1.Thing"],
  [[4, 0, 2, 0], "odd.v1.Thing.size"],
  [[4, 0, 3, 0], "odd.v1.Thing.Part"],
  [[4, 0, 3, 0, 2, 0], "odd.v1.Thing.Part.weight"],
  [[4, 0, 4, 0], "odd.v1.Thing.Kind"],
  [[4, 0, 4, 0, 2, 0], "odd.v1.Thing.Kind.KIND_SMALL"],
  [[5, 0], "odd.v1.Color"],
  [[5, 0, 2, 0], "odd.v1.Color.COLOR_RED"],
  [[6, 0], "odd.v1.ThingService"],
  [[6, 0, 2, 0], "odd.v1.ThingService.Get"],
] as const) {
  test(`the comment of ${name}`, () => {
    const comments = commentsOf(file([{ path: [...path], leadingComments: " Two\n lines.\n" }]));
    expect([...comments]).toEqual([[name, "Two\nlines."]]);
  });
}

for (const path of [[], [2], [12], [4], [4, 9], [4, 0, 2, 9], [4, 0, 2, 0, 8], [6, 0, 2, 0, 4]]) {
  test(`a comment at [${path.join(", ")}] is of nothing that has a name`, () => {
    expect(commentsOf(file([{ path, leadingComments: "x" }])).size).toBe(0);
  });
}

test("what has no comment is not there", () => expect(commentsOf(file([{ path: [4, 0] }])).size).toBe(0));
