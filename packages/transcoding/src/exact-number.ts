import { type DescField, type DescMessage, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { fieldOf, isOpaque } from "./field-path.ts";

/** A number that a JavaScript number does not hold exactly, as it was written. */
export class ExactNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

const LONG: readonly (ScalarType | undefined)[] = [
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
];

/** Puts exact numbers in their place: as text into 64-bit fields, as JavaScript numbers anywhere else. */
export function settleNumbers(desc: DescMessage | undefined, json: JsonValue): JsonValue {
  const value = json as unknown;
  if (value instanceof ExactNumber) {
    const long = desc && isOpaque(desc) && LONG.includes(desc.fields[0]?.scalar);
    return long ? value.source : Number(value.source);
  }
  if (Array.isArray(json)) return json.map((element) => settleNumbers(desc, element));
  if (typeof json !== "object" || json === null) return json;
  for (const [key, part] of Object.entries(json)) {
    const field = desc && !isOpaque(desc) ? fieldOf(desc, key) : undefined;
    Object.defineProperty(json, key, { value: settleField(field, part) });
  }
  return json;
}

function settleField(field: DescField | undefined, json: JsonValue): JsonValue {
  if (field?.message && field.fieldKind !== "map") return settleNumbers(field.message, json);
  const settle = (value: unknown): JsonValue => {
    if (!(value instanceof ExactNumber)) return settleNumbers(field?.message, value as JsonValue);
    if (field?.message) return settleNumbers(field.message, value as unknown as JsonValue);
    return LONG.includes(field?.scalar) ? value.source : Number(value.source);
  };
  if (field?.fieldKind === "list" && Array.isArray(json)) return json.map(settle);
  if (field?.fieldKind === "map" && typeof json === "object" && json !== null && !Array.isArray(json)) {
    for (const [key, part] of Object.entries(json)) Object.defineProperty(json, key, { value: settle(part) });
    return json;
  }
  return settle(json);
}
