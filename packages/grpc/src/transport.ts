import type { Metadata } from "./metadata.ts";

// The seam between a call and what carries it. grpc-js's call objects satisfy these interfaces, and so does the
// in-process transport; nothing above knows which one it is.

/** Largest message where nothing else is said, each way and on both sides: 4 MiB, as gRPC has it in every language. */
export const DEFAULT_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What one side may send and takes, in bytes of one message. */
export interface MessageLimits {
  maxReceiveMessageBytes: number;
  maxSendMessageBytes: number;
}

/** A status as it goes over the wire: the number of the code, the message, the trailers. */
export interface WireStatus {
  code: number;
  details: string;
  metadata?: Metadata | null | undefined;
}

/** What a transport tells a server about one call. Reads are pulled: one message, or the end, for each `startRead`. */
export interface ServerListener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveHalfClose(): void;
  /** The stream is gone: after a status as well as without one. */
  onCancel(): void;
}

export interface ServerTransportCall {
  start(listener: ServerListener): void;
  startRead(): void;
  sendMetadata(metadata: Metadata): void;
  /** `callback` runs when the message has left; never, when the call ends before. */
  sendMessage(message: unknown, callback: () => void): void;
  /** The transport calls it too, for what it finds itself: a deadline, a message too large. */
  sendStatus(status: WireStatus): void;
  getPeer(): string;
  getDeadline(): number | Date;
  /** What TLS found out about the client; nothing on transports without it. */
  getAuthContext?(): { readonly sslPeerCertificate?: { readonly subjectaltname?: string | undefined } | undefined };
}

/** What a transport tells a client about one call. */
export interface ClientListener {
  onReceiveMetadata(metadata: Metadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveStatus(status: WireStatus): void;
}

export interface ClientTransportCall {
  start(metadata: Metadata, listener: ClientListener): void;
  startRead(): void;
  sendMessageWithContext(context: { callback?: () => void }, message: unknown): void;
  halfClose(): void;
  cancelWithStatus(code: number, details: string): void;
  getPeer(): string;
}

/** Opens calls of a client, each with its absolute deadline in milliseconds. */
export interface ClientTransport {
  /** So many messages of a call may be on their way once the first has left. */
  readonly maxPendingWrites: number;
  open(path: string, deadline: number, retries: boolean): ClientTransportCall;
  close(): void;
}
