import type { RequestHeaders } from "./header-metadata.ts";
import type { HttpRoute } from "./http-routes.ts";

/** A request, whoever received it. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came, undecoded; an absolute URL is taken too. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** Read once, and not at all where the request is refused before. */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
  /** Aborts when the client has left; with a StatusError as its reason, that is what the client is told. */
  readonly signal: AbortSignal;
}

/** An answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Parts of a stream are taken one by one, as the client reads; whoever stops early returns the iterator. */
  readonly body: string | AsyncIterable<string>;
  /** What the request led to, for logs and metrics; undefined where no route has its path. */
  readonly route?: HttpRoute | undefined;
  /** What was thrown where something was, with its cause: for the log, not for the client. */
  readonly error?: unknown;
}
