import type { DescMessage } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { AnyHandler } from "./handlers.ts";
import { toMessage } from "./method.ts";
import { RequestReader } from "./request-reader.ts";
import type { ServerCall } from "./server-call.ts";
import type { ServerListener } from "./transport.ts";

/** So many responses of a stream may be on their way to the socket before the handler is asked for the next. */
const MAX_PENDING_WRITES = 16;

/**
 * Runs a handler for a call: one or many messages in, one or many out. The response message is `output`; where there is
 * none, the handler answers with messages already.
 */
export class HandlerDriver implements ServerListener {
  private readonly call: ServerCall;
  private readonly handler: AnyHandler;
  private readonly output: DescMessage | undefined;
  private readonly reader: RequestReader | undefined;
  private request: unknown;
  private hasRequest = false;
  private pendingWrites = 0;
  private wake: (() => void) | undefined;

  constructor(call: ServerCall, handler: AnyHandler, output: DescMessage | undefined) {
    this.call = call;
    this.handler = handler;
    this.output = output;
    this.reader = call.method.requestStream ? new RequestReader(call) : undefined;
    call.start(this);
  }

  onReceiveMetadata(): void {
    if (this.reader) this.invoke(this.reader);
    else this.call.startRead();
  }

  onReceiveMessage(message: unknown): void {
    if (this.reader) {
      this.reader.push(message);
    } else if (this.hasRequest) {
      this.call.fail(new StatusError("UNIMPLEMENTED", "more than one request message"));
    } else {
      this.request = message;
      this.hasRequest = true;
      this.call.startRead();
    }
  }

  onReceiveHalfClose(): void {
    if (this.reader) this.reader.end();
    else if (this.hasRequest) this.invoke(this.request);
    else this.call.fail(new StatusError("UNIMPLEMENTED", "no request message"));
  }

  onCancel(): void {
    this.reader?.cancel();
    this.wake?.();
  }

  private async invoke(input: unknown): Promise<void> {
    try {
      const result = this.handler(input, this.call);
      if (this.call.method.responseStream) {
        for await (const response of result) await this.write(response);
        this.succeed();
      } else {
        const response = await result;
        if (!this.call.ended) this.call.sendMessage(this.toResponse(response), this.succeed);
      }
    } catch (error) {
      this.call.fail(error);
    }
  }

  private toResponse(response: unknown): unknown {
    if (typeof response !== "object" || response === null) {
      throw new Error(`the handler of ${this.call.method.path} returned ${response}, not a message`);
    }
    return this.output ? toMessage(this.output, response) : response;
  }

  /** Holds the handler while too much is on its way; throws once nobody listens any more. */
  private async write(response: unknown): Promise<void> {
    const { call } = this;
    if (call.ended) throw call.signal.reason;
    this.pendingWrites += 1;
    call.sendMessage(this.toResponse(response), this.written);
    while (this.pendingWrites >= MAX_PENDING_WRITES && !call.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private readonly written = (): void => {
    this.pendingWrites -= 1;
    this.wake?.();
  };

  private readonly succeed = (): void => {
    this.call.sendStatus({ code: 0, details: "", metadata: null });
  };
}
