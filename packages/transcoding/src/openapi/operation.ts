import type { DescField, DescMessage, JsonObject } from "@bufbuild/protobuf";
import { hasTextForm } from "../field-path.ts";
import { isRawResponse, rawRequest } from "../http-body.ts";
import type { HttpRoute } from "../http-routes.ts";
import { type DocumentedError, documentedErrors } from "./documented-errors.ts";
import type { OpenApiPath } from "./openapi-path.ts";
import type { Schemas } from "./schemas.ts";
import { isNeeded } from "./validation-rules.ts";

export interface OperationOptions {
  route: HttpRoute;
  path: OpenApiPath;
  schemas: Schemas;
  comments: Readonly<Record<string, string>>;
  needsToken: boolean;
  id: string;
}

/** One method on one path. */
export function operationOf({ route, path, schemas, comments, needsToken, id }: OperationOptions): JsonObject {
  const { method } = route;
  const comment = comments[`${method.parent.typeName}.${method.name}`];
  const parameters = [...pathParameters(route, path, schemas), ...queryParameters(route, schemas)];
  const body = requestBody(route, schemas);
  return {
    operationId: id,
    tags: [method.parent.typeName],
    ...(comment !== undefined && { summary: firstSentence(comment), description: comment }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: {
      "200": answer(route, schemas),
      ...errorsOf(comment ?? "", { needsToken, takesInput: parameters.length > 0 || body !== undefined }),
      default: { $ref: ERROR },
    },
    ...(method.deprecated && { deprecated: true }),
    security: needsToken ? [{ bearer: [] }] : [],
  };
}

const ERROR = "#/components/responses/Error";

/** The errors that the contract tells of, and those that every such call has. */
function errorsOf(
  comment: string,
  { needsToken, takesInput }: { needsToken: boolean; takesInput: boolean },
): JsonObject {
  const all: DocumentedError[] = [
    ...(takesInput ? [{ status: 400, code: "INVALID_ARGUMENT" as const, reasons: [] }] : []),
    ...(needsToken ? [{ status: 401, code: "UNAUTHENTICATED" as const, reasons: [] }] : []),
    ...(needsToken ? [{ status: 403, code: "PERMISSION_DENIED" as const, reasons: [] }] : []),
    ...documentedErrors(comment),
  ];
  const told = (status: number): string => {
    const codes = new Map<string, string>();
    for (const { code, reasons } of all.filter((one) => one.status === status)) {
      codes.set(
        code,
        reasons.length === 0 ? `\`${code}\`` : `\`${code}\` (${reasons.map((one) => `\`${one}\``).join(", ")})`,
      );
    }
    return [...codes.values()].join(", ");
  };
  return Object.fromEntries(all.map(({ status }) => [String(status), { $ref: ERROR, description: told(status) }]));
}

const firstSentence = (text: string): string => text.replaceAll("\n", " ").split(/(?<=[.:;]) /, 1)[0] as string;

function pathParameters({ variables }: HttpRoute, { parameters }: OpenApiPath, schemas: Schemas): JsonObject[] {
  return parameters.map(({ name, variable }) => {
    const field = variable && variables.get(variable.fieldPath)?.at(-1);
    // The rules of a field are about the whole of it, which this is a part of.
    const whole = field && !variable.multiple ? schemas.field(field) : { type: "string" };
    return { ...withDescription(whole), name, in: "path", required: true };
  });
}

/** What neither path nor body binds; fields of messages by their path, maps by their keys. */
function queryParameters({ method, body, variables }: HttpRoute, schemas: Schemas): JsonObject[] {
  if (body === "*" || method.methodKind === "client_streaming") return [];
  const bound = new Set([...variables.values()].map((path) => path.map(({ name }) => name).join(".")));
  const parameters: JsonObject[] = [];

  function visit(message: DescMessage, prefix: string, around: readonly DescMessage[]): void {
    for (const field of message.fields) {
      const name = `${prefix}${field.name}`;
      if (field === body || bound.has(name)) continue;
      const inner = field.message;
      if (field.fieldKind === "message" && inner && !hasTextForm(inner)) {
        if (!around.includes(inner) && !inner.typeName.startsWith("google.protobuf.")) {
          visit(inner, `${name}.`, [...around, inner]);
        }
      } else if (inner === undefined || hasTextForm(inner)) parameters.push(queryParameter(field, name));
    }
  }

  const queryParameter = (field: DescField, name: string): JsonObject => ({
    ...withDescription(schemas.field(field)),
    name,
    in: "query",
    // A PATCH takes its mask from the body.
    ...(isNeeded(field) && field.message?.typeName !== "google.protobuf.FieldMask" && { required: true }),
    ...(field.fieldKind === "map" && { style: "deepObject", explode: true }),
  });

  visit(method.input, "", [method.input]);
  return parameters;
}

/** A description of a parameter is its own, not its schema's. */
function withDescription({ description, ...schema }: JsonObject): JsonObject {
  return { ...(description !== undefined && { description }), schema };
}

function requestBody(route: HttpRoute, schemas: Schemas): JsonObject | undefined {
  const { method, body, variables } = route;
  if (body === undefined) return undefined;
  if (rawRequest(route)) return { content: ANYTHING };
  if (method.methodKind === "client_streaming") {
    const schema = schemas.message(method.input);
    return {
      required: true,
      content: {
        "application/x-ndjson": { schema },
        "application/json": { schema: { type: "array", items: schema } },
      },
    };
  }
  const inPath = new Set([...variables.values()].flatMap((path) => (path.length === 1 && path[0] ? [path[0]] : [])));
  const schema =
    body !== "*"
      ? schemas.field(body)
      : inPath.size > 0
        ? schemas.without(method.input, inPath)
        : schemas.message(method.input);
  return { required: true, content: { "application/json": { schema } } };
}

/** A google.api.HttpBody, which is of whatever type it says. */
const ANYTHING = { "*/*": {} };

function answer(route: HttpRoute, schemas: Schemas): JsonObject {
  if (isRawResponse(route)) return { description: "OK", content: ANYTHING };
  const { method, responseBody } = route;
  const schema = responseBody ? schemas.field(responseBody) : schemas.message(method.output);
  if (method.methodKind !== "server_streaming") {
    return { description: "OK", content: { "application/json": { schema } } };
  }
  return {
    description:
      'A stream of messages. One that fails ends with `{"error": <google.rpc.Status>}`, or with an event `error`; a stream of events that is over ends with an event `end`.',
    content: {
      "application/json": { schema: { type: "array", items: schema } },
      "application/x-ndjson": { schema },
      "text/event-stream": { schema: { type: "string", description: "The data of each event is one message." } },
    },
  };
}
