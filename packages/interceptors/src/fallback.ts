import { StatusError } from "@tenon/errors";

export interface FallbackOptions {
  /** After which errors another is tried; by default where the callee is UNAVAILABLE. */
  when?: (error: StatusError) => boolean;
}

/**
 * The responses of the first of these calls that gives any: a call that breaks before its first message is replaced by the
 * next, be it the same once more, another replica's or a cache's. One that has ended well has answered, also without a message.
 * Throws what the last one threw. Once a message is there, an error is the caller's affair, who has seen a part.
 *
 * A function and no interceptor: hooks see one call and cannot make another. Channels retry too, as the contract allows, but
 * give up once the server's headers are there. `fallback([() => primary.listX(request), () => replica.listX(request)])`
 */
export async function* fallback<T>(
  calls: readonly (() => AsyncIterable<T>)[],
  { when = ({ code }) => code === "UNAVAILABLE" }: FallbackOptions = {},
): AsyncIterable<T> {
  for (const [i, call] of calls.entries()) {
    let answered = false;
    try {
      for await (const message of call()) {
        answered = true;
        yield message;
      }
      return;
    } catch (error) {
      const isLast = i === calls.length - 1;
      if (answered || isLast || !(error instanceof StatusError) || !when(error)) throw error;
    }
  }
  throw new Error("fallback: no call is given");
}
