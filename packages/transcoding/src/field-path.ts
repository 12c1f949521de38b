import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** Fields from a message down to a value; all but the last are single messages. */
export type FieldPath = readonly DescField[];

const fieldsByName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** A field by its name in the contract or in JSON. */
export function fieldOf(message: DescMessage, name: string): DescField | undefined {
  let fields = fieldsByName.get(message);
  if (fields === undefined) {
    fields = new Map(
      message.fields.flatMap((field) => [[field.jsonName, field] as const, [field.name, field] as const]),
    );
    fieldsByName.set(message, fields);
  }
  return fields.get(name);
}

/** The fields that a path such as `user.display_name` names; undefined where there are none such. */
export function resolveFieldPath(message: DescMessage, path: string): FieldPath | undefined {
  const fields: DescField[] = [];
  let inside: DescMessage | undefined = message;
  for (const name of path.split(".")) {
    const field: DescField | undefined = inside && fieldOf(inside, name);
    if (field === undefined) return undefined;
    fields.push(field);
    inside = field.fieldKind === "message" && !hasTextForm(field.message) ? field.message : undefined;
  }
  return fields;
}

const TEXT_MESSAGES = ["google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"];

/** Messages that are one text in a path or query, as they are in JSON. */
export const hasTextForm = (message: DescMessage): boolean =>
  isWrapperDesc(message) || TEXT_MESSAGES.includes(message.typeName);

/** Messages whose JSON is not an object of their fields. */
export const isOpaque = (message: DescMessage): boolean => message.typeName.startsWith("google.protobuf.");

/** Throws where the field at the end of the path is not one value that a text can be. */
export function assertTextField(path: FieldPath, text: string): void {
  const field = path.at(-1);
  const single = field?.fieldKind === "scalar" || field?.fieldKind === "enum";
  if (single || (field?.fieldKind === "message" && hasTextForm(field.message))) return;
  throw new Error(`${text} is not one value, so it cannot be in a path`);
}
