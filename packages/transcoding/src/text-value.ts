import { type DescEnum, type DescField, type DescMessage, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** What a text of a path or query is said to be where it is not: "must be a whole number". */
export class TextError extends Error {
  override readonly name = "TextError";
}

/** One value: that of a field, of an element of its list or of a value of its map. */
export type ValueType =
  | { readonly scalar: ScalarType }
  | { readonly enum: DescEnum }
  | { readonly message: DescMessage };

/** The type of a field's value, or of its elements or map values. */
export function valueTypeOf(field: DescField): ValueType {
  if (field.enum) return { enum: field.enum };
  if (field.message) return { message: field.message };
  return { scalar: field.scalar as ScalarType };
}

/**
 * A text as protojson has the value, strictly: no spaces, no hexadecimal numbers. Whole numbers stay text, so that 64-bit
 * ones pass as they are. Ranges are not checked here. Throws a TextError.
 */
export function textToJson(type: ValueType, text: string): JsonValue {
  if ("enum" in type) return enumToJson(type.enum, text);
  if ("message" in type) return messageToJson(type.message, text);
  switch (type.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      if (text !== "true" && text !== "false") throw new TextError("must be true or false");
      return text === "true";
    case ScalarType.BYTES:
      return bytesToJson(text);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      if (/^(?:NaN|-?Infinity)$/.test(text)) return text;
      if (!/^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw new TextError("must be a number");
      return Number(text);
    default:
      if (!/^-?\d{1,40}$/.test(text)) throw new TextError("must be a whole number");
      return text;
  }
}

function enumToJson(desc: DescEnum, text: string): JsonValue {
  if (desc.values.some(({ name }) => name === text)) return text;
  if (!/^-?\d{1,10}$/.test(text)) throw new TextError(`must be a value of ${desc.typeName}, by name or number`);
  const number = Number(text);
  if (!desc.open && !desc.values.some((value) => value.number === number)) {
    throw new TextError(`must be a value of ${desc.typeName}, by name or number`);
  }
  return number;
}

function messageToJson(message: DescMessage, text: string): JsonValue {
  const [value] = message.fields;
  if (isWrapperDesc(message) && value) return textToJson(valueTypeOf(value), text);
  switch (message.typeName) {
    case "google.protobuf.Timestamp":
      if (!/^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(text) || !isDay(text.slice(0, 10))) {
        throw new TextError("must be an instant such as 2026-01-31T12:00:00Z");
      }
      return text;
    case "google.protobuf.Duration":
      if (!/^-?\d{1,12}(?:\.\d{1,9})?s$/.test(text)) throw new TextError("must be seconds such as 1.5s");
      return text;
    case "google.protobuf.FieldMask":
      return text.split(",").map(toCamelCase).join(",");
    default:
      throw new TextError("must be given by its fields");
  }
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const midnight = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
}

/** protojson's own rule, by which snake_case comes back: only a letter behind an underscore tells of one. */
const toCamelCase = (path: string): string => path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Either alphabet, padded or not. A plus in a query arrives as a space. */
function bytesToJson(text: string): JsonValue {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/").replaceAll(" ", "+").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(base64) || base64.length % 4 === 1) throw new TextError("must be base64");
  return base64;
}
