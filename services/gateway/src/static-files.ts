import { createHash } from "node:crypto";
import {
  errorResponse,
  type HandleRequest,
  type HttpRequest,
  type HttpResponse,
  methodNotAllowed,
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
    async (request) => {
      const [path = ""] = request.url.split("?", 1);
      const answer = answers.get(path);
      if (answer === undefined) return handle(request);
      if (request.method !== "GET" && request.method !== "HEAD") {
        return errorResponse(methodNotAllowed("GET, HEAD"), { problem: false });
      }
      return holds(request, answer.headers.etag as string) ? { ...answer, status: 304, body: "" } : answer;
    };
}

function answerOf({ contentType, body, headers }: StaticFile): HttpResponse {
  // Weak: whoever compresses it on the way may keep it.
  const etag = `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { status: 200, headers: { "content-type": contentType, "cache-control": "no-cache", etag, ...headers }, body };
}

function holds({ headers }: HttpRequest, etag: string): boolean {
  const given = headers["if-none-match"];
  return typeof given === "string" && given.split(",").some((one) => one.trim() === etag || one.trim() === "*");
}
