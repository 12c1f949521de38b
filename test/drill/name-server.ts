import { createSocket } from "node:dgram";
import { once } from "node:events";

/** A DNS server on 127.0.0.1 that knows the IPv4 addresses of some names, and that others do not exist. */
export interface NameServer extends AsyncDisposable {
  /** A target by which a gRPC client asks this server, with GRPC_NODE_USE_ALTERNATIVE_RESOLVER=true in its environment. */
  target(name: string, port: number): string;
  /** What a name is answered with from now on. */
  set(name: string, addresses: readonly string[]): void;
}

const [TYPE_A, NAME_ERROR] = [1, 3];
const HEADER_BYTES = 12;

/** RFC 1035, as much of it as one question needs. Answers may not be kept (a TTL of 0). */
export async function startNameServer(): Promise<NameServer> {
  const known = new Map<string, readonly string[]>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => socket.send(answer(query), port, address));
  await once(socket.bind(0, "127.0.0.1"), "listening");

  function answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(HEADER_BYTES, at + 5);
    const addresses = known.get(labels.join(".").toLowerCase());
    const records = query.readUInt16BE(at + 1) === TYPE_A ? (addresses ?? []) : [];
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2); // its id
    header.writeUInt16BE(0x8580 | (addresses ? 0 : NAME_ERROR), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, question, ...records.map(toRecord)]);
  }

  const port = socket.address().port;
  return {
    target: (name, of) => `dns://127.0.0.1:${port}/${name}:${of}`,
    set: (name, addresses) => void known.set(name, addresses),
    async [Symbol.asyncDispose]() {
      socket.close();
    },
  };
}

/** The name of the question (a pointer to it), type A, class IN, a TTL of 0, four bytes. */
const toRecord = (address: string): Buffer =>
  Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]);
