import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import * as apiv1 from "@tenon/options/google/api";
import { parse } from "yaml";
import { RouteError } from "./route-error.ts";

/**
 * The rules of a service config (`http.rules` of google.api.Service, in YAML or JSON), for contracts that one cannot or does not
 * want to annotate: `createTranscoder({ backends, rules: readHttpRules(text) })`. What else the file says is not looked at.
 * Throws a RouteError where it is no such file.
 */
export function readHttpRules(text: string): apiv1.HttpRule[] {
  let http: apiv1.Http;
  try {
    const config = parse(text) as { http?: JsonValue } | null;
    http = fromJson(apiv1.HttpSchema, config?.http ?? {});
  } catch (cause) {
    throw new RouteError(`no service config with http.rules: ${(cause as Error).message}`, { cause });
  }
  if (http.rules.length === 0) throw new RouteError("a service config without http.rules");
  if (http.fullyDecodeReservedExpansion) {
    throw new RouteError("fully_decode_reserved_expansion: a slash in a value would be taken for one between segments");
  }
  return http.rules;
}
