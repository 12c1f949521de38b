import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { fieldOf } from "./field-path.ts";
import { headerOf, type RequestHeaders } from "./header-metadata.ts";
import type { HttpRoute } from "./http-routes.ts";
import { subMessage } from "./response-json.ts";

/**
 * How a stream of events goes on where it broke off. A method can do so by a convention of its contract: `after_version`
 * in the request, and `version` in what the response body is, both 64-bit integers.
 */
export interface Resume {
  /** The event id of a message. */
  idOf(message: Message): string | undefined;
  /** `Last-Event-ID`, as the parameter of the query that asks for what came after. */
  parameter(headers: RequestHeaders): readonly [name: string, value: string] | undefined;
}

const LONG: readonly (ScalarType | undefined)[] = [ScalarType.INT64, ScalarType.UINT64];

export function resumeOf({ method: { input, output }, responseBody }: HttpRoute): Resume | undefined {
  const after = long(input, "after_version");
  const resource = responseBody ? responseBody.message : output;
  const version = resource && long(resource, "version");
  if (after === undefined || version === undefined) return undefined;
  return {
    idOf(message) {
      const holder = responseBody ? subMessage(message, responseBody) : message;
      return holder && String((holder as unknown as Record<string, bigint>)[version.localName]);
    },
    parameter(headers) {
      const last = headerOf(headers, "last-event-id");
      if (last === undefined || last === "") return undefined;
      if (/^\d{1,19}$/.test(last)) return [after.name, last];
      throw new StatusError("INVALID_ARGUMENT", "the header last-event-id is no id of this stream", {
        reason: "HEADER_INVALID",
      });
    },
  };
}

function long(message: DescMessage, name: string): DescField | undefined {
  const field = fieldOf(message, name);
  return field?.fieldKind === "scalar" && LONG.includes(field.scalar) ? field : undefined;
}
