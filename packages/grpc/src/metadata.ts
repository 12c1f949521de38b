import type { OutgoingHttpHeaders } from "node:http2";
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import type { ClientDefence, Defences } from "./defences.ts";

/** A value of metadata: bytes under a key that ends in `-bin`, ASCII text under any other. */
export type MetadataValue = string | Buffer;

/** Headers or trailers of a call. grpc-js's own class satisfies it. Keys are lower-cased. */
export interface Metadata {
  /** All values of a key, in their order; none is an empty list. */
  get(key: string): MetadataValue[];
  /** Replaces the values of a key. Throws where the key or value is not valid in gRPC. */
  set(key: string, value: MetadataValue): void;
  /** Adds a value to a key. Throws where the key or value is not valid in gRPC. */
  add(key: string, value: MetadataValue): void;
  remove(key: string): void;
  clone(): Metadata;
  /** The first value of every key. */
  getMap(): { [key: string]: MetadataValue };
}

/** New metadata with these entries. Throws where a key or value is not valid in gRPC. */
export function createMetadata(entries: Readonly<Record<string, MetadataValue>> = {}): Metadata {
  const metadata = new OutgoingMetadata();
  for (const key of Object.keys(entries)) metadata.set(key, entries[key] as MetadataValue);
  return metadata;
}

/** A copy that may be sent; on a client with the defences of its call. */
export function copyMetadata(from: Metadata, defences?: ClientDefences): Metadata {
  const to = new OutgoingMetadata();
  to.defences = defences;
  if (from instanceof OutgoingMetadata) to.take(from);
  else mergeMetadata(to, from);
  return to;
}

export function mergeMetadata(to: Metadata, from: Metadata): void {
  for (const key of Object.keys(from.getMap())) for (const value of from.get(key)) to.add(key, value);
}

/** What HTTP/2 and gRPC say themselves: metadata of these keys would end the connection or forge a status. */
const RESERVED = new Set([
  "connection",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-timeout",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** On the headers of our calls: where Node keeps it and HTTP/2 does not send it, for a symbol is no header. */
const DEFENCES = Symbol("tenon.defences");
type ClientDefences = Defences<ClientDefence>;
type MarkedHeaders = OutgoingHttpHeaders & { [DEFENCES]?: ClientDefences };

/** The defences of a call of this package by its headers; none for other clients in the process. */
export const defencesOf = (headers: OutgoingHttpHeaders): ClientDefences | undefined =>
  (headers as MarkedHeaders)[DEFENCES];

/** grpc-js sends binary values padded, against the specification; and it makes the headers of a request here. */
class UnpaddedMetadata extends GrpcMetadata {
  defences: ClientDefences | undefined;
  override clone(): UnpaddedMetadata {
    const copy = new UnpaddedMetadata(this.getOptions());
    copy.defences = this.defences;
    copy.take(this);
    return copy;
  }
  /** Takes over what the other has, which was found valid when it was put there. */
  take(other: UnpaddedMetadata): void {
    for (const [key, values] of other.internalRepr) {
      this.internalRepr.set(
        key,
        values.map((value) => (typeof value === "string" ? value : Buffer.from(value))),
      );
    }
  }
  override toHttp2Headers(): ReturnType<GrpcMetadata["toHttp2Headers"]> {
    const headers = super.toHttp2Headers();
    if (this.defences) (headers as MarkedHeaders)[DEFENCES] = this.defences;
    for (const key of Object.keys(headers)) {
      if (key.endsWith("-bin")) headers[key] = [headers[key] ?? []].flat().map((v) => String(v).replace(/=+$/, ""));
    }
    return headers;
  }
}

/** grpc-js takes any key. It clones what it sends and adds reserved keys of its own, so a clone is not checked. */
class OutgoingMetadata extends UnpaddedMetadata {
  override set(key: string, value: MetadataValue): void {
    assertAllowed(key);
    super.set(key, value);
  }
  override add(key: string, value: MetadataValue): void {
    assertAllowed(key);
    super.add(key, value);
  }
}

function assertAllowed(key: string): void {
  if (RESERVED.has(key.toLowerCase()) || key.startsWith(":")) throw new Error(`metadata key "${key}" is reserved`);
}
