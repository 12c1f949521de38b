import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";

export interface AskHealthOptions {
  /** `127.0.0.1:8080`; plaintext. */
  address: string;
  /** Whose health; by default that of the server as a whole. */
  service?: string;
  /** For the whole question; by default 2 s. */
  timeoutMs?: number;
}

export type HealthStatus = (typeof STATUSES)[number];

/** By number, as grpc.health.v1 has them. */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

/**
 * Calls grpc.health.v1.Health/Check once. Rejects, with one line that says why, where there is no answer or an error for
 * one. It speaks HTTP/2 itself, so that it does not depend on what it asks about.
 */
export async function askHealth({ address, service = "", timeoutMs = 2000 }: AskHealthOptions): Promise<HealthStatus> {
  const session = connect(`http://${address}`);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<HealthStatus>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${address} did not answer within ${timeoutMs} ms`)), timeoutMs);
      session.on("error", (error) => reject(new Error(`${address} does not answer: ${error.message || "no reason"}`)));
      check(session, address, service).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}

function check(session: ClientHttp2Session, address: string, service: string): Promise<HealthStatus> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.end(toFrame(toRequest(service)));
  return readAnswer(stream, address);
}

function readAnswer(stream: ClientHttp2Stream, address: string): Promise<HealthStatus> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let ends: IncomingHttpHeaders = {};
    const read = (headers: IncomingHttpHeaders) => {
      ends = { ...ends, ...headers };
    };
    // An answer without a message has its status among the headers.
    stream.on("response", read).on("trailers", read);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", (error) => reject(new Error(`${address} broke off: ${error.message}`)));
    stream.on("end", () => {
      const { "grpc-status": code, "grpc-message": message = "" } = ends;
      const status = STATUSES[toStatusNumber(Buffer.concat(chunks))];
      if (code === undefined) reject(new Error(`${address} does not speak gRPC`));
      else if (code !== "0") reject(new Error(`${address} answered with gRPC status ${code} ${message}`.trimEnd()));
      else resolve(status ?? "UNKNOWN");
    });
  });
}

/** HealthCheckRequest {string service = 1}. */
function toRequest(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length > 127) throw new RangeError("the name of a service to ask for has at most 127 bytes");
  return name.length === 0 ? name : Buffer.concat([Buffer.of(0x0a, name.length), name]);
}

const FRAME_HEADER_BYTES = 5;

/** Not compressed, its length, itself. */
function toFrame(message: Buffer): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** HealthCheckResponse {ServingStatus status = 1}: a tag and a number below 128. Absent, it is 0. */
function toStatusNumber(frame: Buffer): number {
  const [tag, status = 0] = frame.subarray(FRAME_HEADER_BYTES);
  return tag === 0x08 ? status : 0;
}
