import { type ClientHttp2Session, connect } from "node:http2";
import type { ClientTls } from "@tenon/grpc";

/** What a client of a server's health sees on one connection, in milliseconds of `performance.now()`. */
export interface HealthWatch extends Disposable {
  /** Resolves once it was told SERVING. */
  readonly serving: Promise<void>;
  readonly notServingMs: number | undefined;
  readonly goawayMs: number | undefined;
  /** The code that the watch ended with. */
  readonly endCode: string | undefined;
}

const [SERVING, NOT_SERVING] = [1, 2];
/** A prefix of five bytes and HealthCheckResponse {ServingStatus status = 1}. */
const MESSAGE_BYTES = 7;

/** Watches grpc.health.v1 by frames alone: a gRPC client tells nobody of a GOAWAY. */
export function watchHealth(port: number, tls: ClientTls): HealthWatch {
  const serving = Promise.withResolvers<void>();
  const session: ClientHttp2Session = connect(`https://127.0.0.1:${port}`, { ...tls, servername: "localhost" });
  let [notServingMs, goawayMs]: (number | undefined)[] = [];
  let endCode: string | undefined;
  session.on("error", serving.reject);
  session.on("goaway", () => {
    goawayMs ??= performance.now();
  });
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Watch",
    "content-type": "application/grpc",
    te: "trailers",
  });
  let read = Buffer.alloc(0);
  stream.on("error", serving.reject);
  stream.on("trailers", ({ "grpc-status": code }) => {
    endCode = String(code);
  });
  stream.on("data", (chunk: Buffer) => {
    for (read = Buffer.concat([read, chunk]); read.length >= MESSAGE_BYTES; read = read.subarray(MESSAGE_BYTES)) {
      const status = read[MESSAGE_BYTES - 1];
      if (status === SERVING) serving.resolve();
      if (status === NOT_SERVING) notServingMs ??= performance.now();
    }
  });
  // A request without fields.
  stream.end(Buffer.alloc(5));
  return {
    serving: serving.promise,
    get notServingMs() {
      return notServingMs;
    },
    get goawayMs() {
      return goawayMs;
    },
    get endCode() {
      return endCode;
    },
    [Symbol.dispose]: () => session.destroy(),
  };
}
