import { type Code, fromCodeNumber, StatusError, toStatusError } from "@tenon/errors";
import type { Interceptor, Method } from "./call.ts";
import { HookedCall, type OnError } from "./hooked-call.ts";
import { type Metadata, mergeMetadata } from "./metadata.ts";
import type { Codec } from "./method.ts";
import { peerUrisOf } from "./peer-uris.ts";
import { toWireStatus } from "./status.ts";
import type { ServerListener, ServerTransportCall, WireStatus } from "./transport.ts";

/**
 * A Node client that cancels an upload ends its stream before it resets it, and so looks like one that has finished
 * (grpc-js and node:http2, seen in 199 of 200 calls). For so long the end of a stream is held, so that the reset overtakes it.
 */
const HALF_CLOSE_HOLD_MS = 2;
/** The reset of a client whose deadline passed arrives before this side's own timer. */
const DEADLINE_SLACK_MS = 15;

export interface ServerCallOptions {
  method: Method;
  interceptors: readonly Interceptor[];
  /** Without one, messages pass as they are: the transport has them decoded. */
  codec?: Codec | undefined;
  onError: OnError;
  /** Ends the call before its handler: for what is wrong with it from the start. Its hooks see it. */
  refusal?: StatusError | undefined;
  /** The end of a stream is held; see HALF_CLOSE_HOLD_MS. By default it is. */
  holdsHalfClose?: boolean;
  /** The calls under way, to end them at a shutdown. */
  live: Set<ServerCall>;
}

/** A call on a server, between what carries it (`transport`) and what answers it (`listener`). It listens to its transport. */
export class ServerCall extends HookedCall implements ServerTransportCall, ServerListener {
  readonly side = "server";
  private readonly transport: ServerTransportCall;
  private readonly passStatusOn: (status: WireStatus) => void;
  private readonly codec: Codec | undefined;
  private readonly refusal: StatusError | undefined;
  private readonly live: Set<ServerCall>;
  private readonly holdsHalfClose: boolean;
  private listener!: ServerListener;
  private error: unknown;
  private received = false;
  private headersSent = false;
  private handlerDone = false;
  private sending = false;
  private waiting: { message: unknown; callback: () => void }[] = [];
  private statusAfterMessages: WireStatus | undefined;

  constructor(transport: ServerTransportCall, options: ServerCallOptions) {
    const { method, interceptors, codec, onError, refusal, live, holdsHalfClose = true } = options;
    super(method, interceptors, onError);
    this.refusal = refusal;
    this.transport = transport;
    this.codec = codec;
    this.live = live;
    this.holdsHalfClose = holdsHalfClose;
    live.add(this);
    // grpc-js answers what it finds itself (deadline, size, decoding, failed writes) below all interceptors, but through
    // this method of its call. Here, and only here, every status is seen.
    this.passStatusOn = transport.sendStatus.bind(transport);
    transport.sendStatus = (status) => this.end(status);
  }

  get peer(): string {
    return this.transport.getPeer();
  }
  get peerUris(): readonly string[] {
    return peerUrisOf(this.transport);
  }

  // ---- from the wire

  onReceiveMetadata(metadata: Metadata): void {
    this.requestMetadata = metadata;
    this.deadline = Number(this.transport.getDeadline());
    this.enter(0);
  }

  protected proceed(): void {
    const late = this.deadline <= Date.now();
    const refusal = this.refusal ?? (late ? new StatusError("DEADLINE_EXCEEDED", "Deadline exceeded") : undefined);
    if (refusal) {
      this.abort(refusal);
      return;
    }
    if (this.deadline < Number(this.transport.getDeadline())) this.watchDeadline();
    this.inside(() => this.listener.onReceiveMetadata(this.requestMetadata));
  }

  onReceiveMessage(received: unknown): void {
    if (this.ended) return;
    this.received = true;
    let message = received;
    if (this.codec) {
      try {
        message = this.codec.decode(received as Uint8Array);
      } catch (cause) {
        this.abort(new StatusError("INTERNAL", "the request message does not decode", { cause }));
        return;
      }
    }
    this.showInward("onReceive", message, () => this.listener.onReceiveMessage(message));
  }

  onReceiveHalfClose(): void {
    if (this.holdsHalfClose && (this.method.requestStream || !this.received))
      setTimeout(() => this.halfClosed(), HALF_CLOSE_HOLD_MS);
    else this.halfClosed();
  }

  private halfClosed(): void {
    if (!this.ended) this.inside(() => this.listener.onReceiveHalfClose());
  }

  /** The stream is gone. Without a status of ours it was the client that left, or its deadline. */
  onCancel(): void {
    if (!this.ended) {
      if (Date.now() >= this.deadline - DEADLINE_SLACK_MS)
        this.finishCall("DEADLINE_EXCEEDED", "Deadline exceeded", true);
      else this.finishCall("CANCELLED", "cancelled by the caller", true);
    }
    this.inside(() => this.listener.onCancel());
  }

  // ---- from the handler

  start(listener: ServerListener): void {
    this.listener = listener;
    this.transport.start(this);
  }

  startRead(): void {
    this.transport.startRead();
  }

  /** For handlers of grpc-js itself; ours set `responseHeaders`. */
  sendMetadata(metadata: Metadata): void {
    if (this.headersSent || this.ended) return;
    mergeMetadata(this.responseHeaders, metadata);
    this.sendHeaders();
  }

  private sendHeaders(): void {
    if (this.headersSent) return;
    this.headersSent = true;
    if (this.headers) this.transport.sendMetadata(this.headers);
  }

  sendMessage(message: unknown, callback: () => void): void {
    if (this.ended) return;
    if (this.sending) this.waiting.push({ message, callback });
    else this.sendNext(message, callback);
  }

  private sendNext(message: unknown, callback: () => void): void {
    this.sending = true;
    this.showOutward("onSend", message, () => {
      this.write(message, callback);
      this.sending = false;
      const next = this.waiting.shift();
      if (next) this.sendNext(next.message, next.callback);
      else if (this.statusAfterMessages) this.transport.sendStatus(this.statusAfterMessages);
    });
  }

  private write(message: unknown, callback: () => void): void {
    let encoded = message;
    if (this.codec) {
      try {
        encoded = this.codec.encode(message);
      } catch (cause) {
        this.abort(new Error("the response message does not encode", { cause }));
        return;
      }
    }
    this.sendHeaders();
    this.transport.sendMessage(encoded, callback);
  }

  sendStatus(status: WireStatus): void {
    if (this.ended) return;
    this.handlerDone = true;
    if (this.sending) this.statusAfterMessages = status;
    else this.transport.sendStatus(status);
  }

  /** What the handler threw. Once the call is over nobody can be told: that the handler was cut short is no news, a bug is. */
  fail(error: unknown): void {
    this.handlerDone = true;
    if (!this.ended) this.abort(error);
    else if (!(error instanceof StatusError) && (error as Error | undefined)?.name !== "AbortError")
      this.onError(error);
  }

  abort(error: unknown): void {
    if (this.ended) return;
    const told = toStatusError(error);
    this.error = error ?? told;
    this.transport.sendStatus(toWireStatus(told, this.method.service));
  }

  protected reply(index: number, message: unknown): void {
    this.showOutward(
      "onSend",
      message,
      () => this.write(message, () => this.transport.sendStatus({ code: 0, details: "", metadata: null })),
      index - 1,
    );
  }

  // ---- the end

  private end(status: WireStatus): void {
    if (this.ended) return;
    if (status.metadata) this.takeTrailers(status.metadata);
    const code = fromCodeNumber(status.code);
    this.finishCall(code, status.details, !this.handlerDone || code !== "OK");
    if (this.headers) this.sendHeaders();
    this.passStatusOn({
      code: status.code,
      details: code === "OK" ? "" : status.details.toWellFormed(),
      metadata: this.endMetadata ?? null,
    });
  }

  /** Of a handler of grpc-js itself: what it may not send is reported, and the call ends all the same. */
  private takeTrailers(trailers: Metadata): void {
    try {
      mergeMetadata(this.trailers, trailers);
    } catch (error) {
      this.onError(error);
    }
  }

  private finishCall(code: Code, message: string, abortWork: boolean): void {
    this.waiting.length = 0;
    this.live.delete(this);
    this.finish(code, message, this.error, abortWork);
  }

  // ---- what grpc-js asks of a call that stands between its own

  getPeer(): string {
    return this.transport.getPeer();
  }
  getDeadline(): number {
    return this.deadline;
  }
}
