import { v5 as uuidv5 } from "uuid";
import type { StepKind } from "./payment.ts";

/** Of this platform's movements of money; never to be changed. */
const NAMESPACE = "3f0d4b1c-6f0b-5d0a-9d3e-5f6a1f0c7b52";

/**
 * The name under which the processor knows a movement of money. Derived, so that whoever asks again, after whatever
 * crash, asks for the same movement.
 */
export const referenceOf = (paymentId: string, kind: StepKind, requestId: string): string =>
  uuidv5(`${paymentId}/${kind}/${requestId}`, NAMESPACE);

/** The request id of the step that releases what a payment that expired had reserved: nobody asked for it but time. */
export const expiryRequestId = (paymentId: string): string => uuidv5(`${paymentId}/expiry`, NAMESPACE);
