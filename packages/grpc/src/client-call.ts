import { type Code, fromCodeNumber, StatusError, toCodeNumber } from "@tenon/errors";
import type { Interceptor, Method } from "./call.ts";
import { trueStatusOf } from "./client-defences.ts";
import { CLIENT_DEFENCES, type ClientDefence, type Defences, defencesExcept } from "./defences.ts";
import { HookedCall, type OnError } from "./hooked-call.ts";
import { copyMetadata, type Metadata, mergeMetadata } from "./metadata.ts";
import type { Codec } from "./method.ts";
import { fromWireStatus, toWireStatus } from "./status.ts";
import type { ClientListener, ClientTransportCall, WireStatus } from "./transport.ts";

const CANCELLED = toCodeNumber("CANCELLED");
const DEADLINE_EXCEEDED = toCodeNumber("DEADLINE_EXCEEDED");
const INTERNAL = toCodeNumber("INTERNAL");
/** A server whose timer runs ahead of ours cancels the stream before ours fires. */
const DEADLINE_SLACK_MS = 5;

const ALL = defencesExcept(CLIENT_DEFENCES);

export interface ClientCallOptions {
  method: Method;
  interceptors: readonly Interceptor[];
  /** Milliseconds since the epoch, or Infinity. */
  deadline: number;
  /** Opens the call below: not before every `onStart` has passed. */
  open: (call: ClientCall) => ClientTransportCall;
  /** Without one, messages pass as they are: the transport encodes them. */
  codec?: Codec | undefined;
  /** So many messages may be on their way once the first has left; by default one. */
  maxPendingWrites?: number;
  /** By default all are on. */
  defences?: Defences<ClientDefence>;
  onError: OnError;
}

interface Outgoing {
  message: unknown;
  context: { callback?: () => void };
}

/** A call on a client, between the caller (`listener`) and what carries it (`transport`). It listens to its transport. */
export class ClientCall extends HookedCall implements ClientTransportCall, ClientListener {
  readonly side = "client";
  private readonly open: (call: ClientCall) => ClientTransportCall;
  private readonly codec: Codec | undefined;
  private readonly defences: Defences<ClientDefence>;
  private transport: ClientTransportCall | undefined;
  private listener: Partial<ClientListener> = {};
  private error: StatusError | undefined;
  private ready = false;
  private sending = false;
  private readonly outbox: Outgoing[] = [];
  private readonly maxPendingWrites: number;
  private pendingWrites = 0;
  /** One at first: grpc-js forgets a message that is sent before its call is connected, if another follows. */
  private writeWindow = 1;
  private wantsHalfClose = false;
  private wantsRead = false;
  private receiving = false;
  private statusAfterMessage: WireStatus | undefined;

  constructor(options: ClientCallOptions) {
    const { method, interceptors, deadline, open, codec, maxPendingWrites = 1, onError, defences = ALL } = options;
    super(method, interceptors, onError);
    this.maxPendingWrites = maxPendingWrites;
    this.deadline = deadline;
    this.open = open;
    this.codec = codec;
    this.defences = defences;
  }

  get peer(): string {
    return this.transport?.getPeer() ?? "";
  }
  get peerUris(): readonly string[] {
    return [];
  }

  // ---- from the caller

  start(metadata: Metadata, listener: Partial<ClientListener>): void {
    this.requestMetadata = copyMetadata(metadata, this.defences);
    this.listener = listener;
    this.enter(0);
  }

  protected proceed(): void {
    this.ready = true;
    if (this.method.requestStream) this.openTransport();
    this.flush();
  }

  /** Undefined where it does not open, for instance because its client was closed while an onStart waited: that ends the call. */
  private openTransport(): ClientTransportCall | undefined {
    if (this.transport) return this.transport;
    this.unwatchDeadline(); // the transport keeps it from here on
    try {
      this.transport = this.open(this);
      this.transport.start(this.requestMetadata, this);
    } catch (error) {
      this.abort(error);
      return undefined;
    }
    if (this.wantsRead) this.transport.startRead();
    return this.transport;
  }

  /** Takes a message; `callback` runs when it has left. */
  sendMessage(message: unknown, callback?: () => void): void {
    this.sendMessageWithContext(callback ? { callback } : {}, message);
  }

  sendMessageWithContext(context: { callback?: () => void }, message: unknown): void {
    if (this.ended) return;
    this.outbox.push({ message, context });
    this.flush();
  }

  private flush(): void {
    if (this.ended || this.sending || !this.ready || this.pendingWrites >= this.writeWindow) return;
    const next = this.outbox.shift();
    if (next === undefined) {
      if (this.wantsHalfClose && this.pendingWrites === 0) {
        this.wantsHalfClose = false;
        this.openTransport()?.halfClose();
      }
      return;
    }
    this.sending = true;
    this.showInward("onSend", next.message, () => {
      this.sending = false;
      this.write(next);
      this.flush();
    });
  }

  private write({ message, context }: Outgoing): void {
    let encoded = message;
    if (this.codec) {
      try {
        encoded = this.codec.encode(message);
      } catch (cause) {
        this.abort(new StatusError("INTERNAL", "the request message does not encode", { cause }));
        return;
      }
    }
    if (this.method.requestStream) {
      this.pendingWrites += 1;
      this.openTransport()?.sendMessageWithContext({ ...context, callback: () => this.written(context) }, encoded);
    } else {
      this.openTransport()?.sendMessageWithContext(context, encoded);
    }
  }

  /** grpc-js lets the end of a stream overtake all but one of its messages, so the end waits for the last of them. */
  private written({ callback }: Outgoing["context"]): void {
    this.pendingWrites -= 1;
    this.writeWindow = this.maxPendingWrites;
    callback?.();
    this.flush();
  }

  halfClose(): void {
    this.wantsHalfClose = true;
    this.flush();
  }

  startRead(): void {
    if (this.transport) this.transport.startRead();
    else this.wantsRead = true;
  }

  cancelWithStatus(code: number, details: string): void {
    this.abort(new StatusError(fromCodeNumber(code), details));
  }

  getPeer(): string {
    return this.peer;
  }

  // ---- from the wire

  onReceiveMetadata(metadata: Metadata): void {
    if (this.ended) return;
    this.headers = metadata;
    this.listener.onReceiveMetadata?.(metadata);
  }

  // biome-ignore lint/suspicious/noExplicitAny: grpc-js's listener and ours agree on everything but this word
  onReceiveMessage(received: any): void {
    if (this.ended) return;
    if (received === null) {
      // grpc-js delivers null before the status of a failed unary call.
      this.listener.onReceiveMessage?.(null);
      return;
    }
    let message = received;
    if (this.codec) {
      try {
        message = this.codec.decode(received as Uint8Array);
      } catch (cause) {
        this.abort(new StatusError("INTERNAL", "the response message does not decode", { cause }));
        return;
      }
    }
    this.receiving = true;
    this.showOutward("onReceive", message, () => {
      this.receiving = false;
      this.listener.onReceiveMessage?.(message);
      // A second message would otherwise wait for ever, and the status behind it.
      if (this.defences.secondMessage && !this.method.responseStream && !this.ended) this.transport?.startRead();
      if (this.statusAfterMessage) this.onReceiveStatus(this.statusAfterMessage);
    });
  }

  onReceiveStatus(status: WireStatus): void {
    if (this.ended) return;
    if (this.receiving) {
      this.statusAfterMessage = status;
      return;
    }
    const told = this.trueStatus(status);
    if (told.metadata) this.endMetadata = told.metadata;
    this.finishCall(fromCodeNumber(told.code), told.details);
    this.listener.onReceiveStatus?.(told);
  }

  private trueStatus(told: WireStatus): WireStatus {
    const status = trueStatusOf(told);
    // grpc-js reports some faults of its own (a message that does not decompress) as errors without a code.
    if (status.code === undefined)
      return { ...status, code: INTERNAL, details: status.details ?? "the response is broken" };
    const late = status.code === CANCELLED && Date.now() >= this.deadline - DEADLINE_SLACK_MS;
    return late ? { ...status, code: DEADLINE_EXCEEDED, details: "Deadline exceeded" } : status;
  }

  // ---- the end

  /** This side ends the call. The caller hears of it on the next tick, because it may not listen yet. */
  abort(error: unknown): void {
    if (this.ended) return;
    const told = error instanceof StatusError ? error : new StatusError("INTERNAL", "internal error", { cause: error });
    this.error = told;
    this.finishCall(told.code, told.message);
    this.transport?.cancelWithStatus(CANCELLED, told.message);
    const status = toWireStatus(told, this.method.service);
    if (status.metadata) mergeMetadata(this.trailers, status.metadata);
    process.nextTick(() => this.listener.onReceiveStatus?.({ ...status, metadata: this.trailers }));
  }

  protected reply(index: number, message: unknown): void {
    const deliver = () =>
      process.nextTick(() => {
        if (this.ended) return;
        this.listener.onReceiveMessage?.(message);
        if (this.ended) return;
        this.finishCall("OK", "");
        this.transport?.cancelWithStatus(CANCELLED, "answered by an interceptor");
        this.listener.onReceiveStatus?.({ code: 0, details: "", metadata: this.trailers });
      });
    this.showOutward("onReceive", message, deliver, index - 1);
  }

  private finishCall(code: Code, message: string): void {
    this.outbox.length = 0;
    this.finish(code, message, this.error, code !== "OK");
  }

  /** What the caller's promise rejects with. It is marked remote whoever ended the call: it is not a status of the caller's own. */
  toError(status: WireStatus): StatusError {
    const { error } = this;
    if (error === undefined) return fromWireStatus(status);
    const { code, message, reason, domain, metadata, violations, retryDelayMs, details } = error;
    return new StatusError(code, message, {
      remote: true,
      cause: error,
      metadata,
      violations,
      details,
      ...(reason !== undefined && { reason }),
      ...(domain !== undefined && { domain }),
      ...(retryDelayMs !== undefined && { retryDelayMs }),
    });
  }
}
