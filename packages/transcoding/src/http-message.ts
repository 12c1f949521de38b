import type { StatusError } from "@tenon/errors";
import type { RequestHeaders } from "./header-metadata.ts";
import type { HttpRoute } from "./http-routes.ts";

/** A request, whoever received it. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came, undecoded; an absolute URL is taken too. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** The address that the connection comes from, without a port, where it is known. The backend is told in `x-forwarded-for`. */
  readonly peer?: string | undefined;
  /** Read once, and not at all where the request is refused before. */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
  /** Aborts when the client has left; with a StatusError as its reason, that is what the client is told. */
  readonly signal: AbortSignal;
  /** Ends the request from this side, by its signal; only where whoever received it can. */
  readonly abort?: ((reason: StatusError) => void) | undefined;
}

/** An answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Parts of a stream are taken one by one, as the client reads; whoever stops early returns the iterator. */
  readonly body: WholeBody | AsyncIterable<WholeBody>;
  /** What the request led to, for logs and metrics; undefined where no route has its path. */
  readonly route?: HttpRoute | undefined;
  /** This same object answers again and again, so that what is made of it is worth keeping. */
  readonly lasting?: boolean;
  /** How the call behind it ended: filled in before the last part of a body is taken. */
  readonly outcome?: Outcome | undefined;
}

export interface Outcome {
  /** What went wrong, with its cause: for the log, not for the client. */
  error?: unknown;
}

/** A body, or a part of a stream, that is there already. Text is sent as UTF-8. */
export type WholeBody = string | Uint8Array;

export type HandleRequest = (request: HttpRequest) => Promise<HttpResponse>;

export const isWhole = (body: HttpResponse["body"]): body is WholeBody =>
  typeof body === "string" || body instanceof Uint8Array;

/** The path and the query of a target, in origin or absolute form (RFC 9112, 3.2). */
export function splitUrl(url: string): { path: string; query: string } {
  const target = /^https?:\/\//i.test(url) ? url.replace(/^https?:\/\/[^/?#]*/i, "") : url;
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  return { path: path === "" ? "/" : path, query: mark === -1 ? "" : target.slice(mark + 1) };
}
