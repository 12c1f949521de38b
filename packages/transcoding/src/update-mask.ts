import type { DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { fieldOf, isOpaque } from "./field-path.ts";
import type { HttpRoute } from "./http-routes.ts";

/** The field of a PATCH request that says what is changed (AIP-134), where its body is the resource. */
export function updateMaskField({ httpMethod, body, method }: HttpRoute): DescField | undefined {
  if (httpMethod !== "PATCH" || typeof body !== "object") return undefined;
  const field = fieldOf(method.input, "update_mask");
  return field?.message?.typeName === "google.protobuf.FieldMask" ? field : undefined;
}

/**
 * The paths of the fields that a body names, so that what it leaves out stays as it is, and null resets. What the path of
 * the request binds identifies the resource and is not changed. Lists, maps and values such as money are changed whole.
 */
export function updatePaths({ body, variables }: HttpRoute, json: JsonValue | undefined): string[] {
  if (typeof body !== "object" || !body.message) return [];
  const bound = new Set([...variables.values()].map((path) => path.map(({ name }) => name).join(".")));
  return pathsOf(body.message, json, "", (path) => bound.has(`${body.name}.${path}`));
}

function pathsOf(desc: DescMessage, json: JsonValue | undefined, prefix: string, skip: (path: string) => boolean) {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return [];
  const paths: string[] = [];
  for (const [key, value] of Object.entries(json)) {
    const field = fieldOf(desc, key);
    if (field === undefined || skip(`${prefix}${field.name}`)) continue;
    const path = `${prefix}${field.name}`;
    const inside: string[] =
      field.fieldKind === "message" && !isWhole(field.message) ? pathsOf(field.message, value, `${path}.`, skip) : [];
    if (inside.length > 0) paths.push(...inside);
    else paths.push(path);
  }
  return paths;
}

const isWhole = (desc: DescMessage): boolean => isOpaque(desc) || desc.typeName.startsWith("google.type.");
