import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import type { Drilled } from "./drain-drills.ts";
import { type DrillRow, toRow } from "./drill-row.ts";

const COUNT = 100;
const DEADLINE_S = 5;
const ENDED_LIMIT_MS = 120_000;
const ANSWER_LIMIT_MS = 120_000;
const GROWTH_MOST_BYTES = 100 * 2 ** 20;
const DEADLINE_EXCEEDED = "4";

/** Strangers who begin calls and say no more, who read nothing of what they are sent, and who connect and are silent. */
export async function hangOn({ platform, load }: Drilled): Promise<DrillRow> {
  const faults: string[] = [];
  const target = platform.services.processes.find(({ service }) => service === "order");
  if (target === undefined) throw new Error("there is no order service");
  const { port, adminPort } = target;
  const tls = platform.clientTls;
  const before = await memoryOf(adminPort);
  const end = load.measure();
  const silent = Array.from({ length: COUNT }, () =>
    connectTls({ port, host: "127.0.0.1", servername: "localhost", ...tls }).on("error", () => {}),
  );
  const halfOpen = connect(`https://127.0.0.1:${port}`, { ...tls, servername: "localhost" });
  const slow = connect(`https://127.0.0.1:${port}`, {
    ...tls,
    servername: "localhost",
    settings: { initialWindowSize: 0 },
  });
  for (const session of [halfOpen, slow]) session.on("error", () => {});
  try {
    const endings = await Promise.all([
      ...Array.from({ length: COUNT }, () => begin(halfOpen, "order.v1.CatalogService/ListProducts")),
      ...Array.from({ length: COUNT }, () => begin(slow, "order.v1.CatalogService/ListProducts", Buffer.alloc(5))),
    ]);
    const open = endings.filter((ending) => ending === undefined).length;
    if (open > 0) faults.push(`${open} calls are open long after their deadline`);
    const other = new Set(endings.slice(0, COUNT).filter((code) => code !== DEADLINE_EXCEEDED));
    if (other.size > 0) faults.push(`calls without a request ended with ${[...other].join(", ")}`);
  } finally {
    for (const each of [halfOpen, slow, ...silent]) each.destroy();
  }
  await load.answered(ANSWER_LIMIT_MS);
  const grownBytes = (await memoryOf(adminPort)) - before;
  if (grownBytes > GROWTH_MOST_BYTES) faults.push(`${target.name} has grown by ${grownBytes} bytes`);
  const seen = `${COUNT} half-open calls, ${COUNT} that read nothing, ${COUNT} silent connections; memory ${(grownBytes / 2 ** 20).toFixed(0)} MiB more`;
  return toRow({ drill: "half-open and slow", invariant: "54", seen }, end(), faults);
}

/** The code that a call ends with, "reset" where it is cut off; undefined where it does not end. */
async function begin(session: ClientHttp2Session, path: string, body?: Buffer): Promise<string | undefined> {
  const stream = session.request({
    ":method": "POST",
    ":path": `/${path}`,
    "content-type": "application/grpc",
    "grpc-timeout": `${DEADLINE_S}S`,
    te: "trailers",
  });
  let code = "reset";
  const read = ({ "grpc-status": status }: { "grpc-status"?: unknown }) => {
    if (status !== undefined) code = String(status);
  };
  stream.on("response", read).on("trailers", read);
  stream.on("error", () => {});
  // Without a body it neither sends one nor ends.
  if (body) stream.end(body);
  else stream.resume();
  const isClosed = await once(stream, "close", { signal: AbortSignal.timeout(ENDED_LIMIT_MS) }).then(
    () => true,
    () => false,
  );
  return isClosed ? code : undefined;
}

async function memoryOf(adminPort: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(page)?.[1]);
}
