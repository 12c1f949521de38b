import type { DescMessage } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { ClientCall } from "./client-call.ts";
import { toMessage } from "./method.ts";

/** So many requests of a stream may be on their way to the socket before the caller is asked for the next. */
const MAX_PENDING_WRITES = 16;

/**
 * Sends the requests of a stream as the connection takes them. It ends with the call, also while the caller's iterable
 * is waiting for something of its own; the iterable is then closed.
 */
export async function sendRequests(
  call: ClientCall,
  requests: AsyncIterable<object> | Iterable<object>,
  desc: DescMessage,
): Promise<void> {
  // One resolver for whatever is awaited now. (A race with a promise of the call's end would keep a reaction for each message.)
  let wake: ((result?: IteratorResult<object>) => void) | undefined;
  let pendingWrites = 0;
  const written = () => {
    pendingWrites -= 1;
    if (pendingWrites === MAX_PENDING_WRITES - 1) wake?.();
  };
  call.whenFinished(() => wake?.());
  let iterator: AsyncIterator<object> | Iterator<object> | undefined;
  try {
    iterator = Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
    const next = iterator.next.bind(iterator);
    while (!call.ended) {
      const result = await new Promise<IteratorResult<object> | undefined>((resolve, reject) => {
        wake = resolve;
        Promise.resolve(next()).then(resolve, reject);
      });
      if (result === undefined || call.ended) break;
      if (result.done) {
        call.halfClose();
        return;
      }
      pendingWrites += 1;
      call.sendMessage(toMessage(desc, result.value), written);
      if (pendingWrites < MAX_PENDING_WRITES || call.ended) continue;
      await new Promise<void>((resolve) => {
        wake = () => resolve();
      });
    }
    await iterator.return?.();
  } catch (cause) {
    call.abort(new StatusError("CANCELLED", "the stream of requests failed", { cause }));
  }
}
