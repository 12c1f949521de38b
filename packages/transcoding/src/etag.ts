import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { headerOf } from "./header-metadata.ts";
import type { HttpRequest } from "./http-message.ts";
import { preconditionFailed } from "./http-refusal.ts";
import type { HttpRoute } from "./http-routes.ts";
import { subMessage } from "./response-json.ts";

// RFC 9110, 13, by the field `etag` that resources have (AIP-154). The tag is of the resource and not of its bytes, so
// that a weak one, which a compressed answer has, is as good as a strong one.

/** The reason of an ABORTED that says that the etag is not the present one. */
const MISMATCH = "ETAG_MISMATCH";

/** The etag of what a route answers with, as the header has it: its field in quotes. */
export function etagOf({ method: { output }, responseBody }: HttpRoute, message: Message): string | undefined {
  const holder = responseBody ? subMessage(message, responseBody) : message;
  const field = etagField(responseBody ? responseBody.message : output);
  const value = field && holder && textOf(holder, field);
  // What would end the quotes is no etag of HTTP.
  return value && /^[\x21\x23-\x7e]+$/.test(value) ? `"${value}"` : undefined;
}

/**
 * Hands `If-Match` to the backend as the etag of the request, or of the resource in it, unless that is given. Throws
 * INVALID_ARGUMENT where the header is none, or says other than the request; and where it cannot be checked: ignored, it
 * would let a change through that it is there to prevent.
 */
export function applyIfMatch({ method: httpMethod, headers }: HttpRequest, route: HttpRoute, message: Message): void {
  if (isRead(httpMethod)) return;
  const ifMatch = headerOf(headers, "if-match");
  if (headers["if-none-match"] !== undefined) throw invalid("if-none-match is for reading");
  if (ifMatch === undefined) return;
  const [tag, ...more] = tagsOf(ifMatch, "if-match");
  if (more.length > 0) throw invalid("if-match names one etag");
  const place = placeOf(route, message);
  if (place === undefined) throw invalid("if-match is not checked by this method");
  if (tag === undefined || tag === "*") return;
  const given = textOf(place.holder, place.field);
  if (given !== "" && given !== tag) throw invalid("if-match names another etag than the request");
  Object.assign(place.holder, { [place.field.localName]: tag });
}

/** Whether the client has already what would be sent: 304. Throws 412 where it wants only what it has no more. */
export function isUnmodified({ method, headers }: HttpRequest, etag: string | undefined): boolean {
  if (!isRead(method) || etag === undefined) return false;
  const holds = (tags: string[]) => tags.some((tag) => tag === "*" || `"${tag}"` === etag);
  const ifMatch = headerOf(headers, "if-match");
  if (ifMatch !== undefined && !holds(tagsOf(ifMatch, "if-match"))) throw preconditionFailed(changed());
  const ifNoneMatch = headerOf(headers, "if-none-match");
  return ifNoneMatch !== undefined && holds(tagsOf(ifNoneMatch, "if-none-match"));
}

/** Who asked by `If-Match` is told by 412, as HTTP has it; who sent the field by 409, as of every ABORTED. */
export const withPrecondition = ({ headers }: HttpRequest, thrown: unknown): unknown =>
  headers["if-match"] !== undefined && thrown instanceof StatusError && thrown.reason === MISMATCH
    ? preconditionFailed(thrown)
    : thrown;

const isRead = (httpMethod: string): boolean => httpMethod === "GET" || httpMethod === "HEAD";

/** The field of the request, or of the resource that its body is. */
function placeOf({ method, body }: HttpRoute, message: Message): { holder: Message; field: DescField } | undefined {
  const own = etagField(method.input);
  if (own) return { holder: message, field: own };
  const resource = typeof body === "object" ? body.message : undefined;
  const field = etagField(resource);
  if (typeof body !== "object" || resource === undefined || field === undefined || body.oneof) return undefined;
  const holder = subMessage(message, body) ?? create(resource);
  Object.assign(message, { [body.localName]: holder });
  return { holder, field };
}

const etagField = (message: DescMessage | undefined): DescField | undefined =>
  message?.fields.find(
    ({ name, fieldKind, scalar, oneof }) =>
      name === "etag" && fieldKind === "scalar" && scalar === ScalarType.STRING && oneof === undefined,
  );

const textOf = (message: Message, field: DescField): string =>
  (message as unknown as Record<string, string>)[field.localName] ?? "";

/** The tags of a list, without quotes; a weak one as a strong one. */
function tagsOf(header: string, name: string): string[] {
  if (header.trim() === "*") return ["*"];
  return header.split(",", 20).map((text) => {
    const tag = /^\s*(?:W\/)?"([\x21\x23-\x7e]*)"\s*$/.exec(text)?.[1];
    if (tag === undefined) throw invalid(`${name} is a list of etags in quotes`);
    return tag;
  });
}

const invalid = (what: string) =>
  new StatusError("INVALID_ARGUMENT", `the header ${what}`, { reason: "HEADER_INVALID", domain: "http" });

const changed = () => new StatusError("ABORTED", "it has changed since", { reason: MISMATCH, domain: "http" });
