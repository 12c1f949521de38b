import { type DescField, type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import * as apiv1 from "@tenon/options/google/api";
import { assertTextField, type FieldPath, resolveFieldPath } from "./field-path.ts";
import { type PathTemplate, parsePathTemplate } from "./path-template.ts";
import { RouteError } from "./route-error.ts";
import { createRouteTrie, type PathMatch, type RouteTrie } from "./route-trie.ts";

/** One way to call a method over HTTP. */
export interface HttpRoute {
  readonly method: DescMethod;
  /** `GET`, `POST` and so on; `*` for all that have no route of their own. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
  /** Where the values of the template's variables go. */
  readonly variables: ReadonlyMap<string, FieldPath>;
  /** What the request body is: the whole request (`*`), one field of it, or nothing. */
  readonly body: "*" | DescField | undefined;
  /** The field of the response that is the response body; by default the whole. */
  readonly responseBody: DescField | undefined;
}

/**
 * The routes that services declare by `google.api.http`, additional bindings included; methods without one have none. A rule
 * given here goes before what its method declares, and of several for one method the last, as in a service config. Throws a
 * RouteError that names the method where a rule does not fit it, and the selector where there is no such method.
 */
export function httpRoutes(services: readonly DescService[], rules: readonly apiv1.HttpRule[] = []): HttpRoute[] {
  const bySelector = new Map(rules.map((rule) => [rule.selector, rule]));
  const methods = services.flatMap((service) => service.methods);
  const names = new Set(methods.map(nameOf));
  for (const selector of bySelector.keys()) {
    if (!names.has(selector)) throw new RouteError(`there is no method ${selector || "of an empty selector"}`);
  }
  return methods.flatMap((method) => {
    const rule = bySelector.get(nameOf(method));
    if (rule) return routesOf(method, rule);
    return hasOption(method, apiv1.http) ? routesOf(method, getOption(method, apiv1.http)) : [];
  });
}

/** The routes of one rule. */
export function routesOf(method: DescMethod, rule: apiv1.HttpRule): HttpRoute[] {
  const bindings = rule.additionalBindings;
  if (bindings.some(({ additionalBindings }) => additionalBindings.length > 0)) {
    throw new RouteError(`${nameOf(method)}: additional bindings have no additional bindings`);
  }
  return [rule, ...bindings].map((binding) => {
    try {
      return routeOf(method, binding);
    } catch (cause) {
      throw new RouteError(`${nameOf(method)}: ${(cause as Error).message}`, { cause });
    }
  });
}

function routeOf(method: DescMethod, { pattern, body, responseBody }: apiv1.HttpRule): HttpRoute {
  if (pattern.case === undefined) throw new RouteError("a rule without a path");
  const custom = pattern.case === "custom";
  const httpMethod = custom ? pattern.value.kind : pattern.case.toUpperCase();
  if (!/^(?:\*|[A-Z][A-Z-]*)$/.test(httpMethod)) throw new RouteError(`"${httpMethod}" is no HTTP method`);
  const template = parsePathTemplate(custom ? pattern.value.path : pattern.value);
  const { input, output, methodKind } = method;
  const variables = new Map(
    template.variables.map(({ fieldPath }) => {
      const path = resolveFieldPath(input, fieldPath);
      if (path === undefined) throw new RouteError(`${input.typeName} has no field ${fieldPath}`);
      assertTextField(path, fieldPath);
      return [fieldPath, path] as const;
    }),
  );
  if (body !== "" && ["GET", "HEAD"].includes(httpMethod)) throw new RouteError(`${httpMethod} has no body`);
  if (methodKind === "client_streaming" || methodKind === "bidi_streaming") {
    if (variables.size > 0) throw new RouteError("a stream of requests has no one message for variables of the path");
    if (methodKind === "client_streaming" && body !== "*") throw new RouteError('a stream of requests has body "*"');
  }
  return {
    method,
    httpMethod,
    template,
    variables,
    body: body === "*" || body === "" ? body || undefined : fieldNamed(input.fields, body, input.typeName),
    responseBody: responseBody === "" ? undefined : fieldNamed(output.fields, responseBody, output.typeName),
  };
}

function fieldNamed(fields: readonly DescField[], name: string, typeName: string): DescField {
  const field = fields.find((one) => one.name === name);
  if (field === undefined) throw new RouteError(`${typeName} has no field ${name}`);
  return field;
}

const nameOf = (method: DescMethod): string => `${method.parent.typeName}.${method.name}`;

/** Routes, ready to be looked up. */
export interface Router {
  match(httpMethod: string, path: string): PathMatch<HttpRoute> | undefined;
  /** The methods that the path has, in alphabetic order: for `Allow`. */
  allowed(path: string): string[];
}

/** Compiles routes. Throws a RouteError that names both methods where two match the same requests. */
export function createRouter(routes: readonly HttpRoute[]): Router {
  const tries = new Map<string, RouteTrie<HttpRoute>>();
  for (const route of routes) {
    const trie = tries.get(route.httpMethod) ?? createRouteTrie<HttpRoute>();
    tries.set(route.httpMethod, trie);
    const rival = trie.add(route.template, route);
    if (rival === undefined) continue;
    const both = [rival, route].map(({ method, template }) => `${nameOf(method)} (${template.text})`).join(" and ");
    throw new RouteError(`${route.httpMethod} is claimed twice for the same paths: by ${both}`);
  }
  const any = tries.get("*");
  return {
    match: (httpMethod, path) => tries.get(httpMethod)?.match(path) ?? any?.match(path),
    allowed: (path) =>
      [...tries].flatMap(([httpMethod, trie]) => (trie.match(path) === undefined ? [] : httpMethod)).sort(),
  };
}
