import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:tls";
import type { ClientTls } from "@tenon/grpc";
import type { Drilled } from "./drain-drills.ts";
import { type DrillRow, toRow } from "./drill-row.ts";

const SHOWN_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 120_000;

/** All certificates are made anew, one file after the other, while everybody calls. */
export async function rotateCertificates({ platform, load }: Drilled): Promise<DrillRow> {
  const { processes } = platform.services;
  const all = () => Promise.all(processes.map(({ port }) => shownAt(port, platform.clientTls)));
  const before = await all();
  const end = load.measure();
  const startedMs = performance.now();
  await platform.renewCertificates(4);
  let late = processes.map(({ name }) => name);
  for (; late.length > 0 && performance.now() - startedMs < SHOWN_LIMIT_MS; await delay(50)) {
    const shown = await all();
    late = processes.flatMap(({ name }, index) => (shown[index] === before[index] ? [name] : []));
  }
  const shownMs = performance.now() - startedMs;
  // Each with the new ones, because no connection is older than MAX_CONNECTION_AGE.
  for (let round = 0; round < 3; round++) await load.answered(ANSWER_LIMIT_MS);
  const seen = `${processes.length} processes show new ones after ${(shownMs / 1000).toFixed(1)} s`;
  const faults = late.map((name) => `${name} shows its old certificate`);
  return toRow({ drill: "certificates renewed", invariant: "57", seen }, end(), faults);
}

/** The fingerprint of what a server shows on a new connection. */
async function shownAt(port: number, tls: ClientTls): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ALPNProtocols: ["h2"], ...tls });
  try {
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    return socket.getPeerX509Certificate()?.fingerprint256 ?? "";
  } finally {
    socket.destroy();
  }
}
