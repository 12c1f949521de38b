import { type DescField, type DescMessage, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";

const REDACTED = "[redacted]";

/**
 * A message as JSON for people, with every field that its contract marks `debug_redact` replaced, however deep. Throws
 * where a message holds an Any: what is inside may be anyone's secret.
 */
export function redactedJson(desc: DescMessage, message: Message): JsonValue {
  const json = toJson(desc, message);
  redactMessage(desc, json);
  return json;
}

/** In place: the JSON is nobody else's. */
function redactMessage(desc: DescMessage, json: JsonValue | undefined): void {
  if (!isObject(json) || !holdsSecrets(desc)) return;
  for (const field of desc.fields) {
    const value = json[field.jsonName];
    if (value === undefined) continue;
    if (isSecret(field)) json[field.jsonName] = REDACTED;
    else if (field.message) for (const one of messagesOf(field, value)) redactMessage(field.message, one);
  }
}

function messagesOf({ fieldKind }: DescField, value: JsonValue): readonly JsonValue[] {
  if (fieldKind === "list") return value as JsonValue[];
  return fieldKind === "map" ? Object.values(value as object) : [value];
}

const known = new WeakMap<DescMessage, boolean>();

/** Whether any message that it may hold has a secret field; most have none, and need no second look. */
function holdsSecrets(desc: DescMessage): boolean {
  const found = known.get(desc);
  if (found !== undefined) return found;
  const reachable = new Set([desc]);
  for (const each of reachable) for (const { message } of each.fields) if (message) reachable.add(message);
  const holds = [...reachable].some(({ fields }) => fields.some(isSecret));
  known.set(desc, holds);
  return holds;
}

const isSecret = ({ proto }: DescField): boolean => proto.options?.debugRedact === true;

const isObject = (json: JsonValue | undefined): json is { [key: string]: JsonValue } =>
  typeof json === "object" && json !== null && !Array.isArray(json);
