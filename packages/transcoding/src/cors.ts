import { headerOf, type RequestHeaders } from "./header-metadata.ts";
import { refusal } from "./http-exchange.ts";
import type { HandleRequest, HttpRequest, HttpResponse } from "./http-message.ts";
import { originNotAllowed } from "./http-refusal.ts";

/** Which pages of other origins may call (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export interface Origins {
  /** `*` for all; `none` where no page of another origin may. */
  readonly which: "*" | "named" | "none";
  isAllowed(origin: string): boolean;
}

/**
 * The origins that are named, each as browsers write it: `https://app.example`, without a path; or `*` alone for all. Throws
 * a TypeError that names what is no origin.
 */
export function createOrigins(names: readonly string[]): Origins {
  const all = names.includes("*");
  if (all && names.length > 1) throw new TypeError("* stands for all origins, so none is named beside it");
  for (const name of names) {
    const isOrigin = URL.canParse(name) && new URL(name).origin === name;
    if (!all && !isOrigin) throw new TypeError(`${name} is no origin such as https://app.example`);
  }
  const named = new Set(names);
  return { which: all ? "*" : named.size > 0 ? "named" : "none", isAllowed: (origin) => all || named.has(origin) };
}

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
/** As long as browsers keep it at most. */
const MAX_AGE_S = 7200;

/**
 * Lets the pages of these origins call, for REST, Connect and gRPC-Web alike: preflights are answered here, and every header
 * of an answer may be read. Never with credentials: who asks is said by the header `authorization`, which a page sets itself, and
 * cookies mean nothing here. Without origins nothing is added.
 */
export function withCors(origins: Origins, handle: HandleRequest): HandleRequest {
  if (origins.which === "none") return handle;
  const every = origins.which === "*";

  const allowOrigin = (headers: RequestHeaders): Record<string, string> => {
    const origin = headerOf(headers, "origin");
    if (origin === undefined || !origins.isAllowed(origin)) return {};
    return { "access-control-allow-origin": every ? "*" : origin };
  };

  function answerPreflight(request: HttpRequest): HttpResponse {
    const allowed = allowOrigin(request.headers);
    const vary = "origin, access-control-request-method, access-control-request-headers";
    if (allowed["access-control-allow-origin"] === undefined) {
      const { headers, ...answer } = refusal(request, originNotAllowed());
      return { ...answer, headers: { ...headers, vary } };
    }
    const asked = headerOf(request.headers, "access-control-request-headers");
    return {
      status: 204,
      headers: {
        ...allowed,
        vary,
        "access-control-allow-methods": METHODS,
        // Metadata is any header, so a list would never be whole.
        ...(asked !== undefined && isHeaderList(asked) && { "access-control-allow-headers": asked }),
        "access-control-max-age": String(MAX_AGE_S),
      },
      body: "",
    };
  }

  return async (request) => {
    const { method, headers } = request;
    const isPreflight = method === "OPTIONS" && headers.origin !== undefined;
    if (isPreflight && headers["access-control-request-method"] !== undefined) return answerPreflight(request);
    const response = await handle(request);
    const allowed = allowOrigin(headers);
    const vary = every ? {} : { vary: joined(response.headers.vary, "origin") };
    if (headers.origin === undefined) return { ...response, headers: { ...response.headers, ...vary } };
    const exposed = Object.keys(response.headers).filter((name) => !SAFE.includes(name));
    return {
      ...response,
      headers: {
        ...response.headers,
        ...vary,
        ...allowed,
        ...(allowed["access-control-allow-origin"] !== undefined && {
          // The last is added by whoever logs requests around this.
          "access-control-expose-headers": [...exposed, "x-request-id"].join(", "),
        }),
      },
    };
  };
}

/** Those that a page may read anyhow, and those that are of the connection. */
const SAFE = ["cache-control", "connection", "content-language", "content-length", "content-type", "vary"];

const isHeaderList = (text: string): boolean => /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+){0,99}$/.test(text);

const joined = (list: string | undefined, more: string): string => (list === undefined ? more : `${list}, ${more}`);
