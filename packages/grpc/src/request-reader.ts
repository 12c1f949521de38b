import type { ServerCall } from "./server-call.ts";

interface Waiting {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

/**
 * The requests of a call as an iterable that reads one message for each `next`. Leaving it early reads no more and does
 * not end the call. It throws the call's StatusError where the call ends before the requests do.
 */
export class RequestReader implements AsyncIterableIterator<unknown> {
  private readonly call: ServerCall;
  private waiting: Waiting | undefined;
  private over = false;

  constructor(call: ServerCall) {
    this.call = call;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.over) return Promise.resolve({ done: true, value: undefined });
    if (this.call.ended) return Promise.reject(this.call.signal.reason);
    if (this.waiting) return Promise.reject(new Error("next() was called again before it had answered"));
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.call.startRead();
    });
  }

  return(): Promise<IteratorResult<unknown>> {
    this.over = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** A message came. */
  push(message: unknown): void {
    this.take()?.resolve({ done: false, value: message });
  }

  /** The client has sent all. */
  end(): void {
    this.over = true;
    this.take()?.resolve({ done: true, value: undefined });
  }

  /** The call is over; after an OK by an interceptor there is no more to read, and nothing wrong. */
  cancel(): void {
    const waiting = this.take();
    if (this.call.signal.aborted) waiting?.reject(this.call.signal.reason);
    else waiting?.resolve({ done: true, value: undefined });
  }

  private take(): Waiting | undefined {
    const waiting = this.waiting;
    this.waiting = undefined;
    return waiting;
  }
}
