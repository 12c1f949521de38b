import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonReadOptions,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import type { FieldViolation } from "@tenon/errors";
import { fieldOf, isOpaque } from "./field-path.ts";

/** So many are told; who gets one wrong in each of a thousand elements has seen enough. */
const MAX_VIOLATIONS = 20;
/** Keys are part of a path, and as long as a caller makes them. */
const MAX_PATH_LENGTH = 160;

/**
 * What is wrong in JSON that is no message of this type. Each field is tried by itself, and where it fails what is in it, so
 * the path of each is known. The values are not repeated: they may be secrets.
 */
export function findViolations(
  desc: DescMessage,
  json: JsonValue,
  options: Pick<JsonReadOptions, "ignoreUnknownFields">,
): FieldViolation[] {
  const violations: FieldViolation[] = [];
  inMessage(desc, json, "");
  return violations;

  function inMessage(of: DescMessage, value: JsonValue, path: string): void {
    if (isOpaque(of)) blame(path, `must be a ${of.typeName} in JSON`);
    else if (!isObject(value)) blame(path, "must be an object");
    else inFields(of, value, path);
  }

  function inFields(of: DescMessage, value: JsonObject, path: string): void {
    const before = violations.length;
    for (const [key, part] of Object.entries(value)) {
      if (violations.length >= MAX_VIOLATIONS) return;
      const field = fieldOf(of, key);
      if (field !== undefined) {
        if (!decodes(of, single(key, part))) inField(of, field, key, part, joined(path, field.name));
      } else if (!options.ignoreUnknownFields) blame(joined(path, key), "is no field");
    }
    // Each field is well by itself: two spellings of one, or two of a oneof.
    if (violations.length === before) blame(path, "has two values where there can be one");
  }

  function inField(of: DescMessage, field: DescField, key: string, value: JsonValue, path: string): void {
    if (field.fieldKind === "message") {
      inMessage(field.message, value, path);
    } else if (field.fieldKind === "list" && Array.isArray(value)) {
      for (const [index, element] of value.entries()) {
        if (!decodes(of, single(key, [element]))) inElement(field, element, `${path}[${index}]`);
        if (violations.length >= MAX_VIOLATIONS) return;
      }
    } else if (field.fieldKind === "map" && isObject(value)) {
      for (const [mapKey, element] of Object.entries(value)) {
        if (!decodes(of, single(key, single(mapKey, element)))) inElement(field, element, `${path}["${mapKey}"]`);
        if (violations.length >= MAX_VIOLATIONS) return;
      }
    } else blame(path, field.fieldKind === "list" ? "must be an array" : expectation(field));
  }

  function inElement(field: DescField, element: JsonValue, path: string): void {
    if (field.message) inMessage(field.message, element, path);
    else blame(path, expectation(field));
  }

  function decodes(of: DescMessage, value: JsonObject): boolean {
    try {
      fromJson(of, value, options);
      return true;
    } catch {
      return false;
    }
  }

  function blame(path: string, description: string): void {
    const field = path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH).toWellFormed()}...` : path;
    violations.push({ field, description });
  }
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const joined = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

/** Without a prototype, so that a key named after something of it is a key. */
function single(key: string, value: JsonValue): JsonObject {
  const object: JsonObject = Object.create(null);
  object[key] = value;
  return object;
}

function expectation(field: DescField): string {
  if (field.fieldKind === "map") return "must be an object with valid keys and values";
  if (field.enum) return `must be a value of ${field.enum.typeName}`;
  switch (field.scalar) {
    case ScalarType.STRING:
      return "must be a string of whole characters";
    case ScalarType.BOOL:
      return "must be true or false";
    case ScalarType.BYTES:
      return "must be a string of base64";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "must be a number in range";
    default:
      return `must be a whole number in the range of ${ScalarType[field.scalar as ScalarType]?.toLowerCase()}`;
  }
}
