import { type Code, ConnectError } from "@connectrpc/connect";
import { toCodeNumber } from "@tenon/errors";
import { packedDetails, toldError } from "../error-response.ts";

/** What a client of these protocols is told of whatever was thrown: what one of REST is told. */
export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const told = toldError(thrown);
  const error = new ConnectError(told.message, toCodeNumber(told.code) as Code, undefined, undefined, thrown);
  error.details = packedDetails(told).map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value: new Uint8Array(value),
  }));
  return error;
}
