import type { DescMethod, DescService, JsonObject } from "@bufbuild/protobuf";
import type { HttpRule } from "@tenon/options/google/api";
import { type HttpRoute, httpRoutes } from "../http-routes.ts";
import { pathOf } from "./openapi-path.ts";
import { operationOf } from "./operation.ts";
import { createSchemas } from "./schemas.ts";

export interface OpenApiOptions {
  services: readonly DescService[];
  /** As those of the transcoder. */
  rules?: readonly HttpRule[];
  title: string;
  version: string;
  /** Markdown. */
  description?: string;
  /** Where the API is served; by default where the document is. */
  servers?: readonly string[];
  /** What contracts say in comments, by full name: `user.v1.User.email`. Descriptors of generated code do not have them. */
  comments?: Readonly<Record<string, string>>;
  /** Whether a method needs a bearer token. By default none does. */
  needsToken?: (method: DescMethod) => boolean;
}

/**
 * OpenAPI 3.1 of the routes of services: operations, parameters, bodies, schemas with their rules of buf.validate, media
 * types of streams, and errors. Methods that talk both ways at once are left out: OpenAPI has no words for them.
 */
export function createOpenApi(options: OpenApiOptions): JsonObject {
  const { services, title, version, description, servers = ["/"], comments = {}, needsToken = () => false } = options;
  const routes = httpRoutes(services, options.rules).filter(({ method }) => method.methodKind !== "bidi_streaming");
  const schemas = createSchemas({ comments, outputs: routes.map(({ method }) => method.output) });
  const paths: Record<string, JsonObject> = {};
  const names = new Map<string, readonly string[]>();
  const operations = new Map<DescMethod, number>();
  for (const route of routes) {
    const path = pathOf(route.template, names);
    const operation = operationOf({
      route,
      path,
      schemas,
      comments,
      needsToken: needsToken(route.method),
      id: operationId(route.method, operations),
    });
    paths[path.text] = { ...paths[path.text], [verbOf(route)]: operation };
  }
  return {
    openapi: "3.1.1",
    info: { title, version, ...(description !== undefined && { description }) },
    servers: servers.map((url) => ({ url })),
    tags: services.map(({ typeName }) => ({
      name: typeName,
      ...(comments[typeName] !== undefined && { description: comments[typeName] }),
    })),
    paths,
    components: {
      schemas: schemas.all(),
      responses: { Error: errorResponse },
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
}

/** A rule for any method is shown as POST: a path item has one operation for each. */
const verbOf = ({ httpMethod }: HttpRoute): string => (httpMethod === "*" ? "post" : httpMethod.toLowerCase());

/** `UserService_GetUser`, and `_2` for its second route. */
function operationId(method: DescMethod, seen: Map<DescMethod, number>): string {
  const count = (seen.get(method) ?? 0) + 1;
  seen.set(method, count);
  return `${method.parent.name}_${method.name}${count === 1 ? "" : `_${count}`}`;
}

const errorResponse: JsonObject = {
  description:
    "What went wrong: as google.rpc.Status, with details by their `@type` (ErrorInfo has the `reason`, BadRequest the fields that are wrong, RetryInfo when to try again); or as problem details (RFC 9457) for who accepts them.",
  content: {
    "application/json": {
      schema: {
        type: "object",
        required: ["code", "message"],
        properties: {
          code: { type: "integer", description: "The number of a google.rpc.Code.", minimum: 1, maximum: 16 },
          message: { type: "string", description: "For a person." },
          details: {
            type: "array",
            items: { type: "object", required: ["@type"], properties: { "@type": { type: "string" } } },
          },
        },
      },
    },
    "application/problem+json": {
      schema: {
        type: "object",
        required: ["type", "title", "status"],
        properties: {
          type: { type: "string" },
          title: { type: "string" },
          status: { type: "integer" },
          detail: { type: "string" },
          code: { type: "string", description: "The name of a google.rpc.Code." },
          reason: { type: "string", description: "For programs." },
        },
      },
    },
  },
};
