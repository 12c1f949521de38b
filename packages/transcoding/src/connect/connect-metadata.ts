import { encodeBinaryHeader } from "@connectrpc/connect";
import { createMetadata, type Metadata } from "@tenon/grpc";
import { addForwarded, addMetadata, headerOf, metadataEntries, type RequestHeaders } from "../header-metadata.ts";

/** What HTTP, browsers, proxies and these protocols say themselves; all else of a request is metadata under its own name. */
const NOT_METADATA =
  /^(?:accept(?:-.*)?|access-control-.*|age|cache-control|connection|connect-.*|content-.*|cookie|date|dnt|expect|forwarded|from|grpc-.*|host|if-.*|keep-alive|last-event-id|max-forwards|origin|pragma|priority|proxy-.*|range|referer|sec-.*|te|trailer|transfer-encoding|upgrade.*|user-agent|via|x-forwarded-.*|x-grpc-web|x-http-method.*|x-real-ip|x-requested-with|x-user-agent)$/;

/** The metadata of a call. Throws INVALID_ARGUMENT for what is no metadata. */
export function metadataFromRpcHeaders(headers: RequestHeaders, peer: string | undefined): Metadata {
  const metadata = createMetadata();
  for (const name of Object.keys(headers)) {
    const value = headerOf(headers, name);
    if (value !== undefined && !NOT_METADATA.test(name)) addMetadata(metadata, name, value, name);
  }
  addForwarded(metadata, headers, peer);
  return metadata;
}

/** Adds a server's metadata under its own names. */
export function addToHeaders(headers: Headers, metadata: Metadata): void {
  for (const [key, values] of metadataEntries(metadata)) {
    for (const value of values) headers.append(key, typeof value === "string" ? value : encodeBinaryHeader(value));
  }
}
