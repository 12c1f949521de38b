import { type DescMethod, getOption, type JsonObject } from "@bufbuild/protobuf";
import * as comments from "@tenon/contracts/comments";
import type { HttpRule } from "@tenon/options/google/api";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { createOpenApi } from "@tenon/transcoding";
import { GATEWAY_SERVICES } from "./gateway-services.ts";

const DESCRIPTION = `Orders and their money, as REST.

Log in by \`POST /v1/sessions\` and send the token with \`authorization: Bearer <token>\`. A method that changes something takes
a \`request_id\`, a UUID of your choice: repeated with the same one it gives the first answer, and has no second effect.
Another caller, or another method, may have the same one.
Fields are written as in \`displayName\`, and read also as in \`display_name\`; 64-bit integers are texts.`;

/** What can be asked of the gateway, in OpenAPI; `rules` go before what the contracts declare. */
export const gatewayApi = (rules: readonly HttpRule[] = []): JsonObject =>
  createOpenApi({
    rules,
    services: GATEWAY_SERVICES.map(({ service }) => service),
    title: "Tenon",
    version: "1",
    description: DESCRIPTION,
    comments: comments.byName,
    needsToken,
  });

const needsToken = (method: DescMethod): boolean => !getOption(method, optionsv1.method).access.includes("public");
