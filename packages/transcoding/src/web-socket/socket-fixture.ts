import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ClientOptions, WebSocket } from "ws";

/** A client that keeps what it was sent, and how it was closed. */
export async function openSocket(url: string, protocols: string[] = [], options: ClientOptions = {}) {
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, { handshakeTimeout: 50_000, ...options });
  const received: (string | Buffer)[] = [];
  socket.on("message", (data, isBinary) => received.push(isBinary ? (data as Buffer) : String(data)));
  const closed = once(socket, "close", { signal: AbortSignal.timeout(50_000) }).then(([code, reason]) => ({
    code: code as number,
    reason: String(reason),
  }));
  closed.catch(() => {});
  await once(socket, "open");
  return { socket, received, closed };
}

/** The answer to an upgrade that is refused. */
export async function refused(url: string, protocols: string[] = [], options: ClientOptions = {}) {
  const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, { handshakeTimeout: 50_000, ...options });
  const [, response] = await once(socket, "unexpected-response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  socket.on("error", () => {});
  socket.terminate();
  return { status: response.statusCode as number, json: JSON.parse(Buffer.concat(chunks).toString()) };
}

/** A connection that was upgraded by hand, for frames that no client sends. */
export async function rawSocket(port: number, path: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  const key = Buffer.alloc(16).toString("base64");
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: here\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
  );
  await once(socket, "data");
  return socket;
}

/** One frame as clients send it, masked by zeros. */
export function frame({ opcode, payload = "", fin = true, length }: FrameParts): Buffer {
  const body = Buffer.from(payload);
  const size = length ?? body.byteLength;
  const head =
    size < 126 ? Buffer.from([0x80 | size]) : Buffer.from([0x80 | 127, 0, 0, 0, 0, ...Buffer.from(uint32(size))]);
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), head, Buffer.alloc(4), body]);
}

interface FrameParts {
  opcode: number;
  payload?: string | Buffer;
  fin?: boolean;
  /** What it says it has, where that is not so. */
  length?: number;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The code of the close frame that is the last of what comes. */
export async function closeCodeOf(socket: Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "end", { signal: AbortSignal.timeout(50_000) });
  const bytes = Buffer.concat(chunks);
  const at = bytes.lastIndexOf(0x88);
  return bytes.readUInt16BE(at + 2);
}
