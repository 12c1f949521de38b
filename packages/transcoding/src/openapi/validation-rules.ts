import { type DescField, getOption, hasOption, type JsonObject } from "@bufbuild/protobuf";
import * as validatev1 from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import * as apiv1 from "@tenon/options/google/api";

/** The rules of a field as keywords of JSON Schema: of itself, and of the elements of a list or the values of a map. */
export interface SchemaRules {
  readonly own: JsonObject;
  readonly items: JsonObject;
}

/** What of a field's buf.validate rules JSON Schema can say; the rest is in the comment of the contract. */
export function rulesOf(field: DescField): SchemaRules {
  const rules = fieldRules(field);
  if (rules?.type.case === "map") {
    const { minPairs, maxPairs, values } = rules.type.value;
    return {
      own: {
        ...(minPairs > 0n && { minProperties: Number(minPairs) }),
        ...(maxPairs > 0n && { maxProperties: Number(maxPairs) }),
      },
      items: values ? valueRules(values) : {},
    };
  }
  if (rules?.type.case !== "repeated") return { own: rules ? valueRules(rules) : {}, items: {} };
  const { minItems, maxItems, unique, items } = rules.type.value;
  return {
    own: {
      ...(minItems > 0n && { minItems: Number(minItems) }),
      ...(maxItems > 0n && { maxItems: Number(maxItems) }),
      ...(unique && { uniqueItems: true }),
    },
    items: items ? valueRules(items) : {},
  };
}

/** A request is refused without the field: the contract says so, or its rules refuse its zero. */
export function isNeeded(field: DescField): boolean {
  if (getOption(field, apiv1.field_behavior).includes(apiv1.FieldBehavior.REQUIRED)) return true;
  const rules = fieldRules(field);
  if (rules === undefined || rules.ignore === validatev1.Ignore.IF_ZERO_VALUE) return false;
  if (rules.required) return true;
  // Presence that is tracked leaves the rules unasked.
  if (field.fieldKind === "message" || field.proto.proto3Optional || field.oneof) return false;
  const { type } = rules;
  if (type.case === "repeated") return type.value.minItems > 0n;
  if (type.case === "map") return type.value.minPairs > 0n;
  if (type.case === "string") {
    const { minLen, len, wellKnown, pattern } = type.value;
    return minLen > 0n || len > 0n || wellKnown.case !== undefined || (pattern !== "" && !matchesEmpty(pattern));
  }
  if (type.case === "int32" || type.case === "int64" || type.case === "uint32" || type.case === "uint64") {
    const { greaterThan } = type.value;
    return greaterThan.case === "gte" ? greaterThan.value > 0 : greaterThan.case === "gt" && greaterThan.value >= 0;
  }
  return false;
}

const fieldRules = (field: DescField): validatev1.FieldRules | undefined =>
  hasOption(field, validatev1.field) ? getOption(field, validatev1.field) : undefined;

/** Patterns are RE2's; what JavaScript cannot read is taken to need something. */
function matchesEmpty(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").test("");
  } catch {
    return false;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: "uuid",
  email: "email",
  uri: "uri",
  hostname: "hostname",
  ipv4: "ipv4",
  ipv6: "ipv6",
};

function valueRules({ type }: validatev1.FieldRules): JsonObject {
  switch (type.case) {
    case "string": {
      const { minLen, maxLen, len, pattern, wellKnown, in: oneOf, const: only, example } = type.value;
      const format = wellKnown.case && wellKnown.value === true ? FORMATS[wellKnown.case] : undefined;
      return {
        ...(minLen > 0n && { minLength: Number(minLen) }),
        ...(maxLen > 0n && { maxLength: Number(maxLen) }),
        ...(len > 0n && { minLength: Number(len), maxLength: Number(len) }),
        ...(pattern !== "" && { pattern }),
        ...(format !== undefined && { format }),
        ...(oneOf.length > 0 && { enum: [...oneOf] }),
        ...(only !== "" && { const: only }),
        ...(example.length > 0 && { examples: [...example] }),
      };
    }
    case "int32":
    case "uint32":
    case "float":
    case "double": {
      const { greaterThan, lessThan, in: oneOf, example } = type.value;
      return {
        ...(greaterThan.case === "gte" && { minimum: greaterThan.value }),
        ...(greaterThan.case === "gt" && { exclusiveMinimum: greaterThan.value }),
        ...(lessThan.case === "lte" && { maximum: lessThan.value }),
        ...(lessThan.case === "lt" && { exclusiveMaximum: lessThan.value }),
        ...(oneOf.length > 0 && { enum: [...oneOf] }),
        ...(example.length > 0 && { examples: [...example] }),
      };
    }
    default:
      return {};
  }
}
