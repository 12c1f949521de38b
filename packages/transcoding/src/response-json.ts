import type { JsonWriteOptions } from "@bufbuild/protobuf";
import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";
import type { HttpRoute } from "./http-routes.ts";

export interface ResponseJsonOptions {
  /** Write fields that are unset or zero, too; by default left out, as protojson does. */
  emitDefaults?: boolean;
  /** `display_name` for `displayName`. */
  protoNames?: boolean;
  /** Numbers in place of names. */
  enumsAsNumbers?: boolean;
  /** The types that `google.protobuf.Any` may hold in responses. */
  registry?: JsonWriteOptions["registry"];
}

/** Writes the responses of a route: the whole message, or the field that is its `response_body`. */
export type ResponseWriter = (route: HttpRoute, message: Message) => string;

export function createResponseWriter(options: ResponseJsonOptions = {}): ResponseWriter {
  const { emitDefaults = false, protoNames = false, enumsAsNumbers = false, registry } = options;
  const write = {
    alwaysEmitImplicit: emitDefaults,
    useProtoFieldName: protoNames,
    enumAsInteger: enumsAsNumbers,
    ...(registry && { registry }),
  };
  const fieldJson = (desc: DescMessage, field: DescField, message: Message): JsonValue => {
    const all = toJson(desc, message, { ...write, alwaysEmitImplicit: true }) as JsonObject;
    return all[protoNames ? field.name : field.jsonName] ?? null;
  };
  return ({ method: { output }, responseBody: field }, message) => {
    const inner = field?.fieldKind === "message" ? subMessage(message, field) : undefined;
    if (inner && field?.message) return JSON.stringify(toJson(field.message, inner, write));
    return JSON.stringify(field ? fieldJson(output, field, message) : toJson(output, message, write));
  };
}

/** The message in a field, where there is one. */
export function subMessage(message: Message, field: DescField): Message | undefined {
  const { oneof } = field;
  const holder = message as unknown as Record<string, unknown>;
  if (oneof === undefined) return holder[field.localName] as Message | undefined;
  const chosen = holder[oneof.localName] as { case?: string; value?: Message } | undefined;
  return chosen?.case === field.localName ? chosen.value : undefined;
}
