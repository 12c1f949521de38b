// Makes calls as a LoadOrder (its one argument, JSON) says, and prints a LoadResult.
import { readFileSync } from "node:fs";
import type { LoadOrder, LoadResult } from "./load.ts";
import { type Connection, connectTo } from "./one-call.ts";

const order: LoadOrder = JSON.parse(process.argv[2] ?? "");
const { wire, path, streams } = order;
const body = readFileSync(order.bodyFile);
// HTTP/1.1 carries one call at a time, so as many are under way at once by more connections.
const count = wire === "json" ? order.connections * streams : order.connections;
const connections = Array.from({ length: count }, () => connectTo(order));
const lanes =
  wire === "json" ? connections : connections.flatMap((each) => Array.from({ length: streams }, () => each));

let left = order.calls;
let bodyBytes = 0;
async function callUntilDone(connection: Connection): Promise<void> {
  while (left > 0) {
    left -= 1;
    const answer = await connection.call(path, body);
    bodyBytes += answer.length;
  }
}

const startedMs = performance.now();
await Promise.all(lanes.map(callUntilDone));
const result: LoadResult = { succeeded: order.calls, bodyBytes, seconds: (performance.now() - startedMs) / 1000 };
for (const connection of connections) connection.close();
process.stdout.write(JSON.stringify(result));
