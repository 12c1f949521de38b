import { createHash } from "node:crypto";
import {
  errorResponse,
  type HandleRequest,
  type HttpRequest,
  type HttpResponse,
  methodNotAllowed,
  splitUrl,
} from "@tenon/transcoding";

/** A text that is the same for everyone. */
export interface StaticFile {
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Answers GET and HEAD for files at paths of their own; everything else goes on. A browser asks each time whether what it
 * has still holds (304), so that a page and its script are always of one version.
 */
export function staticFiles(files: Readonly<Record<string, StaticFile>>) {
  const answers = new Map(Object.entries(files).map(([path, file]) => [path, answerOf(file)]));
  return (handle: HandleRequest): HandleRequest =>
    (request) => {
      const answer = answers.get(splitUrl(request.url).path);
      return answer === undefined ? handle(request) : answerFile(request, answer);
    };
}

async function answerFile(request: HttpRequest, answer: HttpResponse): Promise<HttpResponse> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorResponse(methodNotAllowed("GET, HEAD"), { problem: false });
  }
  return holds(request, answer.headers.etag as string) ? { ...answer, status: 304, body: "" } : answer;
}

function answerOf({ contentType, body, headers }: StaticFile): HttpResponse {
  // Weak: whoever compresses it on the way may keep it.
  const etag = `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const all = { "content-type": contentType, "cache-control": "no-cache", etag, ...headers };
  return { status: 200, headers: all, body, lasting: true };
}

function holds({ headers }: HttpRequest, etag: string): boolean {
  const given = headers["if-none-match"];
  return typeof given === "string" && given.split(",").some((one) => one.trim() === etag || one.trim() === "*");
}
