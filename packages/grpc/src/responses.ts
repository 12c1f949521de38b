import { StatusError } from "@tenon/errors";
import type { CallOptions } from "./call-options.ts";
import type { ClientCall } from "./client-call.ts";
import { createMetadata } from "./metadata.ts";
import { tellHeaders, tellTrailers } from "./metadata-callbacks.ts";

interface Waiting {
  resolve(result: IteratorResult<unknown>): void;
  reject(error: unknown): void;
}

/** The responses of a call as an iterable: the first `next` makes the call, each reads one message, leaving cancels it. */
export class Responses implements AsyncIterableIterator<unknown> {
  private readonly open: () => ClientCall;
  private readonly send: (call: ClientCall) => void;
  private readonly options: CallOptions;
  private call: ClientCall | undefined;
  private waiting: Waiting | undefined;
  private result: { error: StatusError | undefined } | undefined;
  private over = false;

  constructor(open: () => ClientCall, send: (call: ClientCall) => void, options: CallOptions) {
    this.open = open;
    this.send = send;
    this.options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.over) return Promise.resolve({ done: true, value: undefined });
    if (this.result) return this.settle(this.result);
    if (this.waiting) return Promise.reject(new Error("next() was called again before it had answered"));
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      if (this.call) this.call.startRead();
      else this.begin(reject);
    });
  }

  return(): Promise<IteratorResult<unknown>> {
    this.over = true;
    this.call?.abort(new StatusError("CANCELLED", "the caller left the stream"));
    this.take()?.resolve({ done: true, value: undefined });
    return Promise.resolve({ done: true, value: undefined });
  }

  private begin(reject: (error: unknown) => void): void {
    const { options } = this;
    try {
      this.call = this.open();
    } catch (error) {
      this.over = true;
      reject(error);
      return;
    }
    const { call } = this;
    call.start(options.metadata ?? createMetadata(), {
      onReceiveMetadata: (headers) => tellHeaders(options, call, headers),
      onReceiveMessage: (message) => this.take()?.resolve({ done: false, value: message }),
      onReceiveStatus: (status) => {
        const failure = tellTrailers(options, call);
        this.result = status.code === 0 ? { error: failure } : { error: call.toError(status) };
        const waiting = this.take();
        if (waiting) this.settle(this.result).then(waiting.resolve, waiting.reject);
      },
    });
    call.startRead();
    this.send(call);
  }

  private settle({ error }: { error: StatusError | undefined }): Promise<IteratorResult<unknown>> {
    this.over = true;
    return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
  }

  private take(): Waiting | undefined {
    const waiting = this.waiting;
    this.waiting = undefined;
    return waiting;
  }
}
