import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { headerOf, type RequestHeaders } from "./header-metadata.ts";
import type { HttpRoute } from "./http-routes.ts";
import { parseMediaType } from "./media-type.ts";
import { subMessage } from "./response-json.ts";

/** A body that is no JSON but whatever its content type says: google.api.HttpBody, as it is on a message. */
export interface RawBody {
  readonly contentType: string;
  readonly data: Uint8Array;
}

const isHttpBody = (message: DescMessage | undefined): message is DescMessage =>
  message?.typeName === "google.api.HttpBody";

/** What the body of a request is read into as it is; undefined where it is read as JSON. */
export function rawRequest({ body, method }: HttpRoute): DescMessage | undefined {
  const message = body === "*" ? method.input : body?.message;
  return isHttpBody(message) ? message : undefined;
}

/** Whether what the method responds is the body of the answer as it is. */
export const isRawResponse = ({ responseBody, method }: HttpRoute): boolean =>
  isHttpBody(responseBody ? responseBody.message : method.output);

/** The body of a request as a message. */
export const rawMessage = (desc: DescMessage, headers: RequestHeaders, data: Uint8Array): Message =>
  create(desc, { contentType: headerOf(headers, "content-type") ?? "", data } as object as Record<string, unknown>);

/** The body of an answer. A type that is none, which could end a header and begin another, is not repeated. */
export function rawBodyOf({ responseBody }: HttpRoute, message: Message): RawBody {
  const holder = responseBody ? subMessage(message, responseBody) : message;
  const { contentType = "", data = new Uint8Array() } = (holder ?? {}) as Partial<RawBody>;
  return { contentType: parseMediaType(contentType) ? contentType : "application/octet-stream", data };
}
