import * as paymentv1 from "@tenon/contracts/payment/v1";
import { type Implementation, implement } from "@tenon/grpc";
import type { Examiner } from "./examiner.ts";
import { toLine } from "./grpc-statement.ts";

/** A callback is a line of the statement that comes early, and is held against what we have like any other. */
export function createCallbackHandler({ examine }: Pick<Examiner, "examine">): Implementation {
  return implement(paymentv1.CallbackService, {
    async notifyTransaction({ transaction }) {
      // The contract requires it.
      const line = toLine(transaction as NonNullable<typeof transaction>);
      await examine([{ reference: line.reference, line }]);
      return {};
    },
  });
}
