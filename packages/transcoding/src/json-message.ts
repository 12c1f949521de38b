import { type DescMessage, fromJson, type JsonValue, type Message } from "@bufbuild/protobuf";
import { type FieldViolation, StatusError } from "@tenon/errors";
import { findViolations } from "./json-violations.ts";

export interface JsonDecodeOptions {
  /** What no field is: by default refused. */
  unknownFields?: "refuse" | "ignore";
}

/**
 * The message of JSON by the rules of protojson. Throws INVALID_ARGUMENT (REQUEST_INVALID) with the path of each wrong
 * field, which are looked for only then.
 */
export function messageFromJson(desc: DescMessage, json: JsonValue, options: JsonDecodeOptions = {}): Message {
  const ignoreUnknownFields = options.unknownFields === "ignore";
  try {
    return fromJson(desc, json, { ignoreUnknownFields });
  } catch {
    throw requestInvalid(findViolations(desc, json, { ignoreUnknownFields }));
  }
}

/** A request that is not one of its method, with each wrong field. */
export function requestInvalid(violations: readonly FieldViolation[]): StatusError {
  const [first] = violations.map(({ field, description }) =>
    field === "" ? `the request ${description}` : `${field} ${description}`,
  );
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return new StatusError("INVALID_ARGUMENT", `${first ?? "the request is invalid"}${more}`, {
    reason: "REQUEST_INVALID",
    violations,
  });
}
