import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { buffer } from "node:stream/consumers";

export type Wire = "grpc" | "json";

/** One connection to a server. */
export interface Connection {
  /** Sends `body` and resolves with the whole answer; rejects unless that is a success. */
  call(path: string, body: Buffer): Promise<Buffer>;
  close(): void;
}

/** PEM: how a server that speaks TLS is known, and what it is shown. */
export interface LoadTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ConnectionOptions {
  wire: Wire;
  port: number;
  /** By default in the clear; gRPC only. */
  tls?: LoadTls | undefined;
  /** A user's access token. */
  token: string;
}

/** What every call carries beside its message: as a client of ours sends it, with a token and a deadline. */
export const headersOf = (wire: Wire, token: string): Record<string, string> => ({
  "content-type": wire === "grpc" ? "application/grpc" : "application/json",
  authorization: `Bearer ${token}`,
  ...(wire === "grpc" && { te: "trailers", "grpc-timeout": "10S" }),
});

export const connectTo = (options: ConnectionOptions): Connection =>
  options.wire === "grpc" ? connectGrpc(options) : connectJson(options);

/** HTTP/2 windows as wide as h2load's, so that no server waits for this reader. */
const WINDOW_BYTES = 2 ** 30;

function connectGrpc({ port, token, tls }: ConnectionOptions): Connection {
  const settings = { initialWindowSize: WINDOW_BYTES };
  const session = connect(`${tls ? "https://localhost" : "http://127.0.0.1"}:${port}`, { settings, ...tls });
  session.on("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
  session.on("error", () => {}); // each call tells
  const headers = { ":method": "POST", ...headersOf("grpc", token) };
  return {
    async call(path, body) {
      const stream = session.request({ ...headers, ":path": path });
      let status: unknown;
      for (const event of ["response", "trailers"]) {
        stream.on(event, (fields) => {
          status = fields["grpc-status"] ?? status;
        });
      }
      stream.end(body);
      const answer = await buffer(stream);
      if (status !== "0") throw new Error(`${path} ended with grpc-status ${status}`);
      return answer;
    },
    close: () => session.close(),
  };
}

function connectJson({ port, token }: ConnectionOptions): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    async call(path, body) {
      const headers = { ...headersOf("json", token), "content-length": body.length };
      const outgoing = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent });
      outgoing.end(body);
      const [response] = await once(outgoing, "response");
      const answer = await buffer(response);
      if (response.statusCode !== 200) throw new Error(`${path} ended with ${response.statusCode}`);
      return answer;
    },
    close: () => agent.destroy(),
  };
}
