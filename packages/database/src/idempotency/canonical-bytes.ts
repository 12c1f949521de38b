import { clone, type DescField, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";

type Fields = Record<string, unknown>;

/**
 * Bytes that are equal for messages that mean the same and differ for all others: the order of map entries and of
 * unknown fields among themselves does not count; every value does, of fields known and unknown, at any depth.
 */
export function canonicalBytes(schema: DescMessage, message: Message): Uint8Array {
  const copy = clone(schema, message);
  sortWithin(schema, copy);
  return toBinary(schema, copy);
}

function sortWithin(schema: DescMessage, message: Message): void {
  // Stable: repeated fields of one number keep their order, which means something.
  message.$unknown?.sort((a, b) => a.no - b.no);
  const fields = message as unknown as Fields;
  for (const field of schema.fields) {
    const value = fieldValue(fields, field);
    if (value === undefined) continue;
    if (field.fieldKind === "map") {
      for (const entry of Object.values(value)) sortMessage(field.message, entry);
      fields[field.localName] = sortKeys(value);
    } else if (field.fieldKind === "list") {
      for (const item of value as unknown[]) sortMessage(field.message, item);
    } else if (field.message?.typeName === STRUCT) {
      setValue(fields, field, sortJson(value));
    } else {
      sortMessage(field.message, value);
    }
  }
}

/** Structs stand as plain objects in their fields, and are maps on the wire. */
const STRUCT = "google.protobuf.Struct";

function sortMessage(schema: DescMessage | undefined, value: unknown): void {
  if (schema && typeof value === "object" && value !== null && "$typeName" in value)
    sortWithin(schema, value as Message);
}

function fieldValue(fields: Fields, field: DescField): object | undefined {
  const chosen = field.oneof && (fields[field.oneof.localName] as { case?: string; value?: unknown });
  const value = chosen ? (chosen.case === field.localName ? chosen.value : undefined) : fields[field.localName];
  return typeof value === "object" && value !== null ? value : undefined;
}

function setValue(fields: Fields, field: DescField, value: unknown): void {
  if (field.oneof) (fields[field.oneof.localName] as { value: unknown }).value = value;
  else fields[field.localName] = value;
}

const sortKeys = (map: object) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

function sortJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortJson);
  if (typeof value !== "object" || value === null) return value;
  return sortKeys(Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sortJson(inner)])));
}
