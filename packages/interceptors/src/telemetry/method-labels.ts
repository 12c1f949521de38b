import type { Method } from "@tenon/grpc";
import { methodType } from "./method-type.ts";

export const METHOD_LABELS = ["grpc_type", "grpc_service", "grpc_method"] as const;
export type MethodLabels = Readonly<Record<(typeof METHOD_LABELS)[number], string>>;

/** The labels by which metrics tell methods apart. All methods that are not known share one set: see `createLabels`. */
const UNKNOWN_METHOD: MethodLabels = { grpc_type: "unary", grpc_service: "unknown", grpc_method: "unknown" };

export const methodLabels = (method: Method): MethodLabels => ({
  grpc_type: methodType(method),
  grpc_service: method.service,
  grpc_method: method.name,
});

/** Whether a method has a descriptor or is listed. The name of any other may be one that a stranger made up. */
export function createKnown(listed: readonly Method[]): (method: Method) => boolean {
  const paths = new Set(listed.map(({ path }) => path));
  return ({ desc, path }) => desc !== undefined || paths.has(path);
}

/** Labels of a method, if it is known. A time series for each name that a stranger makes up would be a way to fill memory. */
export function createLabels(listed: readonly Method[]): (method: Method) => MethodLabels {
  const isKnown = createKnown(listed);
  return (method) => (isKnown(method) ? methodLabels(method) : UNKNOWN_METHOD);
}
