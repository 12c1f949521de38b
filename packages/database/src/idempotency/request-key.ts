import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { Call } from "@tenon/grpc";
import { deriveKey } from "../derived-key.ts";
import { canonicalBytes } from "./canonical-bytes.ts";

/** Which request of whom this is, and what it asks. */
export interface RequestKey {
  readonly principal: string;
  readonly method: string;
  /** Lower case. */
  readonly requestId: string;
  readonly fingerprint: Buffer;
  /** Rivals for this key meet on this lock. */
  readonly lock: bigint;
}

/** Who calls, as packages/interceptors tells it. */
export type Caller =
  | { readonly kind: "user"; readonly id: string }
  | { readonly kind: "service"; readonly name: string }
  | { readonly kind: "anonymous" };

/** A request message that carries the caller's request id. */
export type IdentifiedRequest = Message & { requestId: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Keys of requests; their fingerprints are made with a key derived from `secret`. */
export function createRequestKeys(secret: Uint8Array) {
  const key = deriveKey(secret, "fingerprint");
  const keyId = createHmac("sha256", key).update("id").digest().subarray(0, KEY_ID_BYTES);

  return (call: Call, request: IdentifiedRequest, caller: Caller): RequestKey => {
    const { desc, path: method } = call.method;
    if (!desc) throw new TypeError(`the contract of ${method} is not known, so its requests cannot be compared`);
    const requestId = request.requestId.toLowerCase();
    if (!UUID.test(requestId)) throw notUuid();
    const principal = nameOf(caller);
    // The id is what the key is about, in either case of letters; what it may not change is the rest.
    const content = canonicalBytes(desc.input, { ...request, requestId: "" } as Message);
    const fingerprint = Buffer.concat([keyId, createHmac("sha256", key).update(content).digest()]);
    const scope = createHash("sha256")
      .update(JSON.stringify([principal, method, requestId]))
      .digest();
    return { principal, method, requestId, fingerprint, lock: scope.readBigInt64BE() };
  };
}

const KEY_ID_BYTES = 4;

/**
 * Whether two requests ask the same. Fingerprints by different secrets cannot be compared, and then count as the same:
 * after a change of the secret a repetition must get its answer; a second effect is ruled out either way.
 */
export function sameFingerprint(a: Uint8Array, b: Uint8Array): boolean {
  if (!timingSafeEqual(a.subarray(0, KEY_ID_BYTES), b.subarray(0, KEY_ID_BYTES))) return true;
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function nameOf(caller: Caller): string {
  if (caller.kind === "user") return `user:${caller.id}`;
  return caller.kind === "service" ? `service:${caller.name}` : "anonymous";
}

const notUuid = () =>
  new StatusError("INVALID_ARGUMENT", "request_id must be a UUID", {
    reason: "REQUEST_ID_INVALID",
    violations: [{ field: "request_id", description: "must be a UUID" }],
  });
