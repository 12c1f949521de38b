import { Metadata as GrpcMetadata } from "@grpc/grpc-js";

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

/** New metadata with these entries. */
export function createMetadata(entries: Readonly<Record<string, MetadataValue>> = {}): Metadata {
  const metadata = new GrpcMetadata();
  for (const key of Object.keys(entries)) metadata.set(key, entries[key] as MetadataValue);
  return metadata;
}
