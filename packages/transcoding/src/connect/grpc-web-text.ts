import { StatusError } from "@tenon/errors";
import { headerOf } from "../header-metadata.ts";
import type { HandleRequest, HttpRequest } from "../http-message.ts";
import { isWhole } from "../http-message.ts";

const TEXT = "application/grpc-web-text";
const BINARY = "application/grpc-web";

/**
 * gRPC-Web in text, for browsers that read no bytes from a stream: the same as in binary, in base64 both ways. Each part of
 * an answer is base64 with its padding, as the protocol allows.
 */
export function withGrpcWebText(handle: HandleRequest): HandleRequest {
  return async (request) => {
    const type = headerOf(request.headers, "content-type");
    if (!type?.toLowerCase().startsWith(TEXT)) return handle(request);
    const headers = { ...request.headers, "content-type": `${BINARY}${type.slice(TEXT.length)}` };
    const response = await handle({ ...request, headers, body: request.body && decoded(request.body) });
    const contentType = response.headers["content-type"];
    if (!contentType?.startsWith(BINARY)) return response;
    const { body } = response;
    return {
      ...response,
      headers: { ...response.headers, "content-type": `${TEXT}${contentType.slice(BINARY.length)}` },
      body: isWhole(body) ? Buffer.from(body).toString("base64") : encoded(body),
    };
  };
}

async function* encoded(parts: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  for await (const part of parts) yield Buffer.from(part).toString("base64");
}

/** Four characters at a time, whatever the parts that they come in; with padding wherever a client put it. */
async function* decoded(body: NonNullable<HttpRequest["body"]>): AsyncGenerator<Uint8Array> {
  let rest = "";
  for await (const chunk of body) {
    const text = rest + Buffer.from(chunk).toString("latin1");
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    yield fromBase64(text.slice(0, whole));
  }
  if (rest !== "") throw invalid();
}

function fromBase64(text: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/.test(text)) throw invalid();
  // Padding ends what Buffer reads, and may stand between two parts.
  const parts = text.match(/[^=]+=*/g) ?? [];
  return Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
}

const invalid = () => new StatusError("INVALID_ARGUMENT", "the body is not base64", { reason: "BODY_INVALID" });
