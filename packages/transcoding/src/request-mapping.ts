import type { DescField, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import type { FieldViolation } from "@tenon/errors";
import { settleNumbers } from "./exact-number.ts";
import { type FieldPath, resolveFieldPath } from "./field-path.ts";
import type { HttpRoute } from "./http-routes.ts";
import { type JsonDecodeOptions, messageFromJson, requestInvalid } from "./json-message.ts";
import type { ParsedJson } from "./json-text.ts";
import { TextError, textToJson, valueTypeOf } from "./text-value.ts";
import { updateMaskField, updatePaths } from "./update-mask.ts";

export interface RequestParts {
  route: HttpRoute;
  /** Of the path, decoded. */
  variables: readonly (readonly [fieldPath: string, text: string])[];
  /** Decoded, in their order. */
  query: readonly (readonly [name: string, value: string])[];
  /** Undefined where there was none. */
  body: ParsedJson | undefined;
}

export interface RequestMappingOptions extends JsonDecodeOptions {
  /** Parameters of the query that no field is, or that name one field twice: by default refused. */
  unknownParameters?: "refuse" | "ignore";
}

/**
 * The request message of an HTTP request: the body first, over it the path, and the query for the fields that neither
 * binds. A PATCH without an update mask gets that of the fields its body names. Throws INVALID_ARGUMENT with every field
 * that is wrong.
 */
export function requestFromHttp(parts: RequestParts, options: RequestMappingOptions = {}): Message {
  const { route, variables, query, body } = parts;
  const { input } = route.method;
  const violations: FieldViolation[] = [];
  const blame = (field: string, description: string) => void violations.push({ field, description });
  const root = rootOf(route, body, blame);

  for (const [name, text] of variables) {
    const path = route.variables.get(name);
    if (path) put(root, path, name, text, blame);
  }
  const given = new Set<string>();
  for (const [name, text] of query) {
    const target = targetOf(route, name);
    const problem = "problem" in target ? target.problem : given.has(target.id) ? "is given twice" : undefined;
    if (problem !== undefined) {
      if (options.unknownParameters !== "ignore" && violations.length < 20) blame(name, problem);
    } else if ("path" in target) {
      if (target.id !== "") given.add(target.id);
      put(root, target.path, name, text, blame, target.mapKey);
    }
  }
  if (violations.length > 0) throw requestInvalid(violations);
  const request = messageFromJson(input, root, options);
  const mask = updateMaskField(route);
  if (mask && root[mask.jsonName] === undefined && root[mask.name] === undefined) {
    const paths = updatePaths(route, body?.json);
    Object.assign(request, { [mask.localName]: create(FieldMaskSchema, { paths }) });
  }
  return request;
}

type Blame = (field: string, description: string) => void;

function rootOf({ body: place, method }: HttpRoute, body: ParsedJson | undefined, blame: Blame): JsonObject {
  const root: JsonObject = Object.create(null);
  if (body === undefined || place === undefined) return root;
  if (place !== "*") {
    root[place.jsonName] = body.json;
    return (body.exact ? settleNumbers(method.input, root) : root) as JsonObject;
  }
  const json = body.exact ? settleNumbers(method.input, body.json) : body.json;
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  blame("", "must be a JSON object");
  return root;
}

interface Target {
  readonly path: FieldPath;
  /** Names what can be given once; empty for what can be given again. */
  readonly id: string;
  readonly mapKey?: string;
}

/** What a parameter of the query sets. */
function targetOf(route: HttpRoute, name: string): Target | { problem: string } {
  if (route.body === "*") return { problem: "must be in the body: this method takes nothing from the query" };
  const bracket = name.endsWith("]") ? name.indexOf("[") : -1;
  const fieldPath = bracket === -1 ? name : name.slice(0, bracket);
  const path = resolveFieldPath(route.method.input, fieldPath);
  const field = path?.at(-1);
  if (path === undefined || field === undefined) return { problem: "is no parameter of this method" };
  if (path[0] === route.body) return { problem: "must be in the body" };
  const bound = [...route.variables.values()].some((other) => other.at(-1) === field && other.length === path.length);
  if (bound) return { problem: "is given by the path" };
  if ((field.fieldKind === "map") !== (bracket !== -1)) {
    return { problem: field.fieldKind === "map" ? `must be given as ${field.name}[key]` : "is no map" };
  }
  const id = path.map((one) => one.name).join(".");
  if (bracket === -1) return { path, id: field.fieldKind === "list" ? "" : id };
  const mapKey = name.slice(bracket + 1, -1);
  return { path, id: `${id}[${mapKey}]`, mapKey };
}

/** Puts a text at a field, over what is there; adds it to a list. */
function put(root: JsonObject, path: FieldPath, name: string, text: string, blame: Blame, mapKey?: string): void {
  const field = path.at(-1) as DescField;
  let json: JsonValue;
  try {
    json = textToJson(valueTypeOf(field), text);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    blame(name, error.message);
    return;
  }
  let inside = root;
  for (const step of path.slice(0, -1)) {
    const present = take(inside, step);
    const next = present ?? (Object.create(null) as JsonObject);
    if (typeof next !== "object" || Array.isArray(next)) {
      blame(step.name, "must be an object");
      return;
    }
    inside[step.jsonName] = next;
    inside = next;
  }
  const present = take(inside, field);
  if (field.fieldKind === "list") inside[field.jsonName] = [...(Array.isArray(present) ? present : []), json];
  else if (mapKey === undefined) inside[field.jsonName] = json;
  else {
    const map = (present ?? Object.create(null)) as JsonObject;
    map[mapKey] = json;
    inside[field.jsonName] = map;
  }
}

/** What an object has for a field, under either of its names, which it then has no more. */
function take(object: JsonObject, field: DescField): JsonValue | undefined {
  const value = object[field.jsonName] ?? object[field.name];
  delete object[field.name];
  return value ?? undefined;
}
