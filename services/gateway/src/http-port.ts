import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { StatusError } from "@tenon/errors";
import type { DrainableServer } from "@tenon/runtime";
import {
  errorResponse,
  type HttpRequest,
  type HttpResponse,
  toNodeListener,
  type WebSockets,
} from "@tenon/transcoding";

export interface HttpPortOptions {
  handle: (request: HttpRequest) => Promise<HttpResponse>;
  webSockets: WebSockets;
  /** Ends streams, which have no end of their own; called when the port closes. */
  endStreams: () => void;
  /** For the headers of a request to come; by default 10 s. */
  headersTimeoutMs?: number;
  /** For a whole request to come, streams of requests included; by default 5 minutes. */
  requestTimeoutMs?: number;
  /** Headers of a request together; by default 16 KiB. 431 beyond. */
  maxHeaderBytes?: number;
  /** Connections at once; by default 10,000. Further ones are closed at once. */
  maxConnections?: number;
}

/** Longer than load balancers keep theirs, so that it is they who close a connection that is idle. */
const KEEP_ALIVE_MS = 75_000;

/** For the first bytes of a connection to come when the port closes: browsers open some ahead, which may never be used. */
const FIRST_BYTES_MS = 500;

/** Node's own HTTP/1.1 server, with limits on all that a client can hold, and a close that drops no request. */
export function createHttpPort(options: HttpPortOptions): DrainableServer {
  const { handle, webSockets, endStreams, headersTimeoutMs = 10_000, requestTimeoutMs = 300_000 } = options;
  const { maxHeaderBytes = 16 * 1024, maxConnections = 10_000 } = options;
  let leaving = false;
  let closing = false;
  const listener = toNodeListener(async (request) => {
    const response = await handle(request);
    return leaving ? { ...response, headers: { ...response.headers, connection: "close" } } : response;
  });

  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: KEEP_ALIVE_MS,
      shouldUpgradeCallback: (request) => !closing && webSockets.takes(request),
    },
    (request, response) => {
      // One that was told to be kept alive before the close began is idle from here on.
      response.on("close", () => closing && setImmediate(() => server.closeIdleConnections()));
      void listener(request, response);
    },
  );
  server.maxConnections = maxConnections;
  server.on("clientError", refuseBroken);
  server.on("upgrade", webSockets.upgrade);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });

  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
      }),
    leave() {
      leaving = true;
    },
    close: ({ graceMs }) =>
      new Promise((resolve) => {
        leaving = true;
        closing = true;
        const force = setTimeout(() => {
          server.closeAllConnections();
          webSockets.terminate();
        }, graceMs);
        // To Node they are in use.
        const silent = setTimeout(() => {
          for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
        }, FIRST_BYTES_MS);
        server.close(() => {
          clearTimeout(force);
          clearTimeout(silent);
          resolve();
        });
        endStreams();
      }),
  };
}

const BROKEN: Readonly<Record<string, readonly [line: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "the headers are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "the request did not come in time"],
};

/** What is no HTTP gets an answer all the same, for whoever reads it. */
function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [line, message] = BROKEN[error.code ?? ""] ?? ["400 Bad Request", "the request is not HTTP"];
  const status = new StatusError("INVALID_ARGUMENT", message, { reason: "HTTP_INVALID", domain: "http" });
  const { body } = errorResponse(status, { problem: false });
  const length = Buffer.byteLength(body);
  socket.end(
    `HTTP/1.1 ${line}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
  );
}
