import { toCodeNumber } from "@tenon/errors";
import { copyMetadata, type Metadata } from "./metadata.ts";
import {
  type ClientListener,
  type ClientTransport,
  type ClientTransportCall,
  DEFAULT_MAX_MESSAGE_BYTES,
  type MessageLimits,
  type ServerListener,
  type ServerTransportCall,
  type WireStatus,
} from "./transport.ts";

/** What a server does with calls that reach it without a socket. */
export interface InProcessPort extends MessageLimits {
  accept(path: string, call: ServerTransportCall): void;
}

const ports = new WeakMap<object, InProcessPort>();

/** Lets a server be the target of a client. */
export const registerInProcess = (server: object, port: InProcessPort): void => void ports.set(server, port);

/**
 * Calls a server of this process without a socket: the same codecs, interceptors, limits and error boundary, messages as
 * bytes so that the two sides share nothing.
 */
export function openInProcess(server: object, options: Partial<MessageLimits> = {}): ClientTransport {
  const port = ports.get(server);
  if (port === undefined) throw new Error("the target is not a server made by createServer");
  const { maxReceiveMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, maxSendMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } =
    options;
  const limits: MessageLimits = { maxReceiveMessageBytes, maxSendMessageBytes };
  return {
    maxPendingWrites: MAX_QUEUED_MESSAGES,
    open: (path, deadline) => new MemoryCall(port, path, deadline, limits),
    close() {},
  };
}

const MAX_TIMER_MS = 2 ** 31 - 1;
/** So many messages a side may be ahead of the other; then its writer waits. */
const MAX_QUEUED_MESSAGES = 16;

interface Letter {
  bytes: Uint8Array;
  taken: (() => void) | undefined;
}

/** Messages on their way in one direction, handed over one for each read, in a turn of their own; then their end. */
class Mailbox {
  private readonly letters: Letter[] = [];
  private wanted = false;
  private closed = false;
  private scheduled = false;
  private readonly deliver: (bytes: Uint8Array) => void;
  private readonly onEnd: () => void;
  private readonly endIsRead: boolean;

  /** `endIsRead`: the end, too, is handed over for a read (a half-close), or as soon as nothing is before it (a status). */
  constructor(deliver: (bytes: Uint8Array) => void, onEnd: () => void, endIsRead: boolean) {
    this.deliver = deliver;
    this.onEnd = onEnd;
    this.endIsRead = endIsRead;
  }
  put(bytes: Uint8Array, taken: (() => void) | undefined): void {
    const room = this.letters.length < MAX_QUEUED_MESSAGES;
    this.letters.push({ bytes, taken: room ? undefined : taken });
    if (room && taken) process.nextTick(taken);
    this.turn();
  }
  read(): void {
    this.wanted = true;
    this.turn();
  }
  end(): void {
    this.closed = true;
    this.turn();
  }
  clear(): void {
    this.letters.length = 0;
    this.wanted = false;
    this.closed = false;
  }
  private get due(): boolean {
    if (this.letters.length > 0) return this.wanted;
    return this.closed && (this.wanted || !this.endIsRead);
  }
  private turn(): void {
    if (this.scheduled || !this.due) return;
    this.scheduled = true;
    process.nextTick(handOver, this);
  }
  handOver(): void {
    this.scheduled = false;
    if (!this.due) return;
    const letter = this.letters.shift();
    if (letter) {
      this.wanted = false;
      letter.taken?.();
      this.deliver(letter.bytes);
      this.turn();
    } else {
      this.closed = false;
      this.onEnd();
    }
  }
}

const handOver = (mailbox: Mailbox): void => mailbox.handOver();

/** One call, seen from its client; `server` is the same call seen from the other side. */
class MemoryCall implements ClientTransportCall {
  private readonly port: InProcessPort;
  private readonly path: string;
  private readonly deadline: number;
  private readonly limits: MessageLimits;
  private client!: ClientListener;
  private listener: ServerListener | undefined;
  private metadata!: Metadata;
  private timer: NodeJS.Timeout | undefined;
  private status: WireStatus | undefined;
  private over = false;
  private readonly requests = new Mailbox(
    (bytes) => this.toServer(bytes),
    () => this.listener?.onReceiveHalfClose(),
    true,
  );
  private readonly responses = new Mailbox(
    (bytes) => this.toClient(bytes),
    () => this.settle(this.status as WireStatus),
    false,
  );

  constructor(port: InProcessPort, path: string, deadline: number, limits: MessageLimits) {
    this.port = port;
    this.path = path;
    this.deadline = deadline;
    this.limits = limits;
  }

  // ---- the client's side

  start(metadata: Metadata, listener: ClientListener): void {
    this.client = listener;
    this.metadata = copyMetadata(metadata);
    this.watchDeadline();
    process.nextTick(() => {
      if (!this.over) this.port.accept(this.path, this.server);
    });
  }
  private watchDeadline(): void {
    const leftMs = this.deadline - Date.now();
    if (leftMs <= 0) this.cancelWithStatus(toCodeNumber("DEADLINE_EXCEEDED"), "Deadline exceeded");
    else if (leftMs < Number.POSITIVE_INFINITY) {
      this.timer = setTimeout(() => this.watchDeadline(), Math.min(MAX_TIMER_MS, Math.ceil(leftMs)));
    }
  }
  startRead(): void {
    this.responses.read();
  }
  sendMessageWithContext({ callback }: { callback?: () => void }, message: unknown): void {
    const bytes = message as Uint8Array;
    const refusal = sentTooLarge(bytes, this.limits);
    if (refusal) this.settle(refusal);
    else this.requests.put(bytes, callback);
  }
  halfClose(): void {
    this.requests.end();
  }
  cancelWithStatus(code: number, details: string): void {
    this.settle({ code, details, metadata: null });
  }
  getPeer(): string {
    return "in-process";
  }

  // ---- the server's side

  readonly server: ServerTransportCall = {
    start: (listener) => {
      this.listener = listener;
      listener.onReceiveMetadata(this.metadata);
    },
    startRead: () => this.requests.read(),
    sendMetadata: (metadata) => {
      const headers = copyMetadata(metadata);
      process.nextTick(() => this.over || this.client.onReceiveMetadata(headers));
    },
    sendMessage: (message, callback) => {
      const bytes = message as Uint8Array;
      const refusal = sentTooLarge(bytes, this.port);
      if (refusal) this.server.sendStatus(refusal);
      else this.responses.put(bytes, callback);
    },
    sendStatus: (status) => {
      this.status = { ...status, metadata: status.metadata ? copyMetadata(status.metadata) : null };
      this.responses.end();
    },
    getPeer: () => "in-process",
    getDeadline: () => this.deadline,
  };

  private toServer(bytes: Uint8Array): void {
    const refusal = receivedTooLarge(bytes, this.port);
    if (refusal) this.server.sendStatus(refusal);
    else this.listener?.onReceiveMessage(bytes);
  }

  private toClient(bytes: Uint8Array): void {
    const refusal = receivedTooLarge(bytes, this.limits);
    if (refusal) this.settle(refusal);
    else this.client.onReceiveMessage(bytes);
  }

  /** The end for both sides. */
  private settle(status: WireStatus): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.requests.clear();
    this.responses.clear();
    process.nextTick(() => {
      this.client.onReceiveStatus(status);
      this.listener?.onCancel();
    });
  }
}

// In the words of grpc-js, so that a call says the same with and without a socket.

function receivedTooLarge({ byteLength }: Uint8Array, { maxReceiveMessageBytes }: MessageLimits) {
  if (byteLength <= maxReceiveMessageBytes) return undefined;
  return exhausted(`Received message larger than max (${byteLength} vs ${maxReceiveMessageBytes})`);
}

function sentTooLarge({ byteLength }: Uint8Array, { maxSendMessageBytes }: MessageLimits) {
  if (byteLength <= maxSendMessageBytes) return undefined;
  return exhausted(`Attempted to send message with a size larger than ${maxSendMessageBytes}`);
}

const exhausted = (details: string): WireStatus => ({
  code: toCodeNumber("RESOURCE_EXHAUSTED"),
  details,
  metadata: null,
});
