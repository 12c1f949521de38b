import { create } from "@bufbuild/protobuf";
import type { Metadata } from "@tenon/grpc";
import * as conformancev1 from "./gen/connectrpc/conformance/v1/service_pb.ts";

const isBinary = (name: string): boolean => name.toLowerCase().endsWith("-bin");

/** Adds headers as the runner writes them, binary values as base64 text. */
export function addHeaders(to: Metadata, headers: readonly conformancev1.Header[]): void {
  for (const { name, value } of headers) {
    for (const text of value) to.add(name, isBinary(name) ? Buffer.from(text, "base64") : text);
  }
}

/** Metadata as the runner reads it. */
export const toHeaders = (from: Metadata): conformancev1.Header[] =>
  Object.keys(from.getMap()).map((name) =>
    create(conformancev1.HeaderSchema, {
      name,
      value: from
        .get(name)
        .map((value) => (typeof value === "string" ? value : value.toString("base64").replace(/=+$/, ""))),
    }),
  );
