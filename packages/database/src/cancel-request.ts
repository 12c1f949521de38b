import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type pg from "pg";

const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;

/** What pg's client knows of its session but does not declare. */
interface Session {
  host: string;
  port: number;
  processID: number | null;
  secretKey: number | null;
  ssl?: boolean | object;
}

/**
 * Asks PostgreSQL to cancel what this client's session runs, by a CancelRequest on a connection of its own (PostgreSQL
 * protocol, "Canceling Requests in Progress"): it needs no slot of the server and passes through a pooler. Settles when
 * the server has acted or cannot be reached; a statement that begins after that is not hit. Never rejects.
 */
export async function cancelRequest(client: pg.ClientBase, timeoutMs = 1000): Promise<void> {
  const { host, port, processID, secretKey, ssl } = client as unknown as Session;
  if (!processID || secretKey === null) return;
  await new Promise<void>((settled) => {
    const plain = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    const sockets: Socket[] = [plain];
    const timer = setTimeout(() => done(), timeoutMs);
    const done = () => {
      clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      settled();
    };
    const send = (socket: Socket) => socket.on("error", done).on("close", done).end(packet(processID, secretKey));
    plain.on("error", done);
    if (!ssl) return void plain.on("connect", () => send(plain));
    plain.on("connect", () => plain.write(words(8, SSL_REQUEST)));
    plain.once("data", (answer) => {
      if (answer.toString() !== "S") return done();
      const options = ssl === true ? {} : ssl;
      const secure = connectTls({ socket: plain, servername: host, ...options }, () => send(secure));
      sockets.push(secure.on("error", done));
    });
  });
}

const packet = (processId: number, secretKey: number) => words(16, CANCEL_REQUEST, processId, secretKey);

function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, index) => void bytes.writeInt32BE(number, index * 4));
  return bytes;
}
