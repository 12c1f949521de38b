import type { Interceptor, Method } from "./call.ts";
import type { Implementation } from "./handlers.ts";

export interface ServerOptions {
  services: readonly Implementation[];
  /** The first is the outermost. */
  interceptors?: readonly Interceptor[];
  /** Hears of errors that no caller can be told: a throwing `onEnd`. */
  onError?: (error: unknown) => void;
}

/** A gRPC server. */
export interface Server {
  /** Every method of its services, before the first call: for metrics and tables. */
  readonly methods: readonly Method[];
  /** Starts to listen; resolves with the port. Rejects with one line that names the address where it cannot be had. */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Refuses new calls, lets those in flight finish for `graceMs`, then ends them with UNAVAILABLE. */
  close(options?: { graceMs?: number }): Promise<void>;
}

export declare function createServer(options: ServerOptions): Server;
