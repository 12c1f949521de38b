import { type Code, StatusError, type StatusErrorOptions } from "@tenon/errors";

/** Refused for what HTTP itself says of it: a route, a method or a media type, of which gRPC has no status. */
export class HttpRefusal extends Error {
  override readonly name = "HttpRefusal";
  readonly status: number;
  readonly error: StatusError;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, error: StatusError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

const because = (code: Code, message: string, reason: string, options: StatusErrorOptions = {}) =>
  new StatusError(code, message, { reason, domain: "http", ...options });

export const originNotAllowed = () =>
  new HttpRefusal(403, because("PERMISSION_DENIED", "pages of this origin may not call", "ORIGIN_NOT_ALLOWED"));

export const notFound = () => new HttpRefusal(404, because("NOT_FOUND", "there is no such route", "ROUTE_NOT_FOUND"));

export const methodNotAllowed = (allow: string) =>
  new HttpRefusal(405, because("UNIMPLEMENTED", `the route allows ${allow}`, "METHOD_NOT_ALLOWED"), { allow });

export const notAcceptable = (offers: readonly string[]) =>
  new HttpRefusal(406, because("INVALID_ARGUMENT", `the answer can be ${offers.join(", ")}`, "NOT_ACCEPTABLE"));

export const requestTimeout = () =>
  new HttpRefusal(408, because("DEADLINE_EXCEEDED", "the body did not come in time", "BODY_TIMEOUT"), {
    connection: "close",
  });

export const preconditionFailed = (error: StatusError) => new HttpRefusal(412, error);

export const bodyTooLarge = (maxBytes: number) =>
  new HttpRefusal(
    413,
    because("RESOURCE_EXHAUSTED", `the body, or one message of it, has more than ${maxBytes} bytes`, "BODY_TOO_LARGE"),
    { connection: "close" },
  );

export const unsupportedMediaType = (what: string, accepted: string) =>
  new HttpRefusal(415, because("INVALID_ARGUMENT", `${what}: send ${accepted}`, "UNSUPPORTED_MEDIA_TYPE"), {
    "accept-post": accepted,
  });

export const unsupportedEncoding = (accepted: string) =>
  new HttpRefusal(
    415,
    because(
      "INVALID_ARGUMENT",
      `the body has an encoding that is not taken: send one of ${accepted}`,
      "UNSUPPORTED_ENCODING",
    ),
    { "accept-encoding": accepted },
  );

export const upgradeRequired = () =>
  new HttpRefusal(
    426,
    because("UNIMPLEMENTED", "this method talks both ways at once, which plain HTTP does not", "UPGRADE_REQUIRED"),
    { upgrade: "websocket", connection: "upgrade" },
  );
