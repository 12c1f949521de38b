import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  type JsonObject,
  ScalarType,
} from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import * as apiv1 from "@tenon/options/google/api";
import { isOpaque } from "../field-path.ts";
import { isNeeded, rulesOf } from "./validation-rules.ts";

/** JSON Schemas of messages and enums as protojson writes them; what is referred to is collected. */
export interface Schemas {
  /** A field, with its rules and comment. */
  field(field: DescField): JsonObject;
  message(message: DescMessage): JsonObject;
  /** The fields of a message without some of them, as an object of its own. */
  without(message: DescMessage, omitted: ReadonlySet<DescField>): JsonObject;
  /** Everything that was referred to, by name. */
  all(): JsonObject;
}

export interface SchemasOptions {
  comments: Readonly<Record<string, string>>;
  /** What servers send: they leave out what is unset or zero, so nothing in it is required. */
  outputs: readonly DescMessage[];
}

export function createSchemas({ comments, outputs }: SchemasOptions): Schemas {
  const schemas = new Map<string, JsonObject>();
  const sent = new Set<string>();
  for (const output of outputs) collect(output);

  function collect(message: DescMessage): void {
    if (sent.has(message.typeName)) return;
    sent.add(message.typeName);
    for (const field of message.fields) if (field.message) collect(field.message);
  }

  const described = (name: string): JsonObject => {
    const description = comments[name];
    return description === undefined ? {} : { description };
  };

  function message(desc: DescMessage): JsonObject {
    if (isOpaque(desc)) return wellKnown(desc);
    if (!schemas.has(desc.typeName)) {
      schemas.set(desc.typeName, {}); // a message may hold its own kind
      schemas.set(desc.typeName, without(desc, new Set()));
    }
    return { $ref: `#/components/schemas/${desc.typeName}` };
  }

  function without(desc: DescMessage, omitted: ReadonlySet<DescField>): JsonObject {
    const fields = desc.fields.filter((one) => !omitted.has(one));
    const required = sent.has(desc.typeName) ? [] : fields.filter(isNeeded).map(({ jsonName }) => jsonName);
    return {
      type: "object",
      ...described(desc.typeName),
      properties: Object.fromEntries(fields.map((one) => [one.jsonName, field(one)])),
      ...(required.length > 0 && { required }),
      ...(desc.deprecated && { deprecated: true }),
    };
  }

  function enumeration(desc: DescEnum): JsonObject {
    const values = desc.values.flatMap(({ name }) => {
      const comment = comments[`${desc.typeName}.${name}`];
      return comment === undefined ? [] : [`- \`${name}\`: ${comment.replaceAll("\n", " ")}`];
    });
    const description = [comments[desc.typeName] ?? "", values.join("\n")].filter((text) => text !== "").join("\n\n");
    schemas.set(desc.typeName, {
      type: "string",
      ...(description !== "" && { description }),
      enum: desc.values.map(({ name }) => name),
    });
    return { $ref: `#/components/schemas/${desc.typeName}` };
  }

  const value = (one: DescField): JsonObject => {
    if (one.enum) return enumeration(one.enum);
    return one.message ? message(one.message) : scalar(one.scalar as ScalarType);
  };

  function field(one: DescField): JsonObject {
    const readOnly = getOption(one, apiv1.field_behavior).includes(apiv1.FieldBehavior.OUTPUT_ONLY);
    const more = {
      ...described(one.toString().replace(/^field /, "")),
      ...(readOnly && { readOnly }),
      ...(one.deprecated && { deprecated: true }),
    };
    const rules = rulesOf(one);
    if (one.fieldKind === "list")
      return { type: "array", items: { ...value(one), ...rules.items }, ...rules.own, ...more };
    if (one.fieldKind === "map") {
      return { type: "object", additionalProperties: { ...value(one), ...rules.items }, ...rules.own, ...more };
    }
    return { ...value(one), ...rules.own, ...more };
  }

  return { field, message, without, all: () => Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function scalar(type: ScalarType): JsonObject {
  switch (type) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
      return { type: "number", format: "double" };
    case ScalarType.FLOAT:
      return { type: "number", format: "float" };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", format: "int32" };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, maximum: 4294967295 };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "string", format: "uint64" };
    default:
      return { type: "string", format: "int64" };
  }
}

function wellKnown(desc: DescMessage): JsonObject {
  const [first] = desc.fields;
  if (isWrapperDesc(desc) && first) {
    const inner = scalar(first.scalar as ScalarType);
    return { ...inner, type: [inner.type as string, "null"] };
  }
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return { type: "string", format: "date-time" };
    case "google.protobuf.Duration":
      return { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" };
    case "google.protobuf.FieldMask":
      return { type: "string" };
    case "google.protobuf.ListValue":
      return { type: "array", items: {} };
    case "google.protobuf.Value":
      return {};
    case "google.protobuf.Any":
      return { type: "object", required: ["@type"], properties: { "@type": { type: "string" } } };
    default:
      return { type: "object" };
  }
}
