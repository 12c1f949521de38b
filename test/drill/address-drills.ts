import { setTimeout as delay } from "node:timers/promises";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { type Client, createClient, createServer, type Interceptor } from "@tenon/grpc";
import { type CallLog, createCallLog } from "./call-log.ts";
import { type DrillRow, toRow } from "./drill-row.ts";
import { type Greeters, startGreeters } from "./greeters.ts";
import { startNameServer } from "./name-server.ts";

type Greeter = Client<typeof greeterv1.GreetingService>;
type Greet = (client: Greeter) => Promise<unknown>;

const MAX_CONNECTION_AGE_S = 3;
/** A client asks for a name again when a connection ends, and not within five seconds of the last time. */
const NOTICE_LIMIT_MS = (5 + MAX_CONNECTION_AGE_S + 7) * 1000;
/** Two rounds of outlier detection, which looks every ten seconds. */
const EJECT_LIMIT_MS = 25_000;
const TIMEOUT_MS = 5000;
const CALLERS = 4;
const THINK_MS = 20;

/** Names that get other addresses, and a replica that answers badly. */
export async function drillAddresses(directory: string): Promise<DrillRow[]> {
  await using names = await startNameServer();
  await using greeters = await startGreeters({ directory, count: 3, maxConnectionAge: `${MAX_CONNECTION_AGE_S}s` });
  const clientOf = (name: string) =>
    createClient(greeterv1.GreetingService, { target: names.target(name, greeters.port) });
  const { addresses } = greeters;
  const [first = "", second = ""] = addresses;

  names.set("moving", [first]);
  names.set("growing", [first]);
  const changed = await Promise.all([
    moved(clientOf("moving"), greeters, () => names.set("moving", [second])),
    grown(clientOf("growing"), greeters, () => names.set("growing", addresses)),
  ]);

  const broken = "127.0.0.9";
  names.set("partly-broken", [first, second, broken]);
  return [...changed, await ejected(clientOf("partly-broken"), { host: broken, port: greeters.port })];
}

/** One call after the other at several places, until `until` holds. */
async function callWhile(client: Greeter, greet: Greet, log: CallLog, until: () => Promise<boolean>): Promise<void> {
  const stop = new AbortController();
  const callers = Array.from({ length: CALLERS }, async (_, index) => {
    for (; !stop.signal.aborted; await delay(THINK_MS)) await log.attempt(`Greet ${index}`, () => greet(client));
  });
  try {
    while (!(await until())) await delay(200);
  } finally {
    stop.abort();
    await Promise.all(callers);
  }
}

const unary: Greet = (client) => client.greet({ name: "Ada" }, { timeoutMs: TIMEOUT_MS });
const stream: Greet = (client) => Array.fromAsync(client.listGreetings({ names: ["Ada"] }, { timeoutMs: TIMEOUT_MS }));

/** A name gets another address, while the server at the old one still serves. */
async function moved(client: Greeter, greeters: Greeters, change: () => void): Promise<DrillRow> {
  const faults: string[] = [];
  const log = createCallLog();
  const measure = log.measure();
  let changedMs = 0;
  let movedMs: number | undefined;
  await callWhile(client, unary, log, async () => {
    const [, atSecond = 0] = await greeters.answered("Greet");
    if (changedMs === 0) {
      const [atFirst = 0] = await greeters.answered("Greet");
      if (atFirst < 50) return false;
      changedMs = performance.now();
      change();
    }
    if (atSecond > 50) movedMs = performance.now() - changedMs;
    return movedMs !== undefined || performance.now() - changedMs > NOTICE_LIMIT_MS;
  });
  const before = await greeters.answered("Greet");
  await Promise.all(Array.from({ length: 50 }, () => log.attempt("Greet", () => unary(client))));
  const after = await greeters.answered("Greet");
  client.close();
  if (movedMs === undefined) faults.push("the new address is not called");
  if (after[0] !== before[0]) faults.push("the old address is still called");
  const seen = movedMs === undefined ? "" : `all calls at the new one ${(movedMs / 1000).toFixed(1)} s later`;
  return toRow({ drill: "a name gets another address", invariant: "53", seen }, measure.tally(), faults);
}

/** A name gets two more. */
async function grown(client: Greeter, greeters: Greeters, change: () => void): Promise<DrillRow> {
  const faults: string[] = [];
  const log = createCallLog();
  const measure = log.measure();
  let changedMs = 0;
  let allMs: number | undefined;
  await callWhile(client, stream, log, async () => {
    const counts = await greeters.answered("ListGreetings");
    if (changedMs === 0) {
      if ((counts[0] ?? 0) < 50) return false;
      changedMs = performance.now();
      change();
    }
    if (counts.every((count) => count > 20)) allMs = performance.now() - changedMs;
    return allMs !== undefined || performance.now() - changedMs > NOTICE_LIMIT_MS;
  });
  const before = await greeters.answered("ListGreetings");
  await Promise.all(Array.from({ length: 90 }, () => log.attempt("ListGreetings", () => stream(client))));
  const after = await greeters.answered("ListGreetings");
  client.close();
  const shares = after.map((count, index) => count - (before[index] ?? 0));
  if (allMs === undefined) faults.push("not every replica is called");
  else if (shares.some((share) => share < 20)) faults.push(`of 90 calls the replicas got ${shares.join(", ")}`);
  const seen =
    allMs === undefined ? "" : `each called ${(allMs / 1000).toFixed(1)} s later; of 90 calls ${shares.join(", ")}`;
  return toRow({ drill: "from one replica to three", invariant: "53", seen }, measure.tally(), faults);
}

/** One of three answers every call with INTERNAL, which nobody repeats. */
async function ejected(client: Greeter, at: { host: string; port: number }): Promise<DrillRow> {
  const faults: string[] = [];
  let refused = 0;
  const fail: Interceptor = () => ({
    onStart() {
      refused += 1;
      throw new StatusError("INTERNAL", "broken");
    },
  });
  const server = createServer({ services: [], interceptors: [fail] });
  await server.listen(at);
  const log = createCallLog();
  const measure = log.measure();
  const startedMs = performance.now();
  let last = { refused: -1, atMs: startedMs };
  // Until it was left alone for as long as it takes to see that.
  await callWhile(client, unary, log, async () => {
    if (refused !== last.refused) last = { refused, atMs: performance.now() };
    const now = performance.now();
    return (refused > 0 && now - last.atMs > 3000) || now - startedMs > EJECT_LIMIT_MS;
  });
  const until = measure.tally();
  const ejectedMs = last.atMs - startedMs;
  const after = log.measure();
  const afterMs = performance.now();
  await callWhile(client, unary, log, async () => performance.now() - afterMs > 4000);
  client.close();
  await server.close({ graceMs: 0 });
  const { calls, failed } = after.tally();
  if (failed * 100 >= calls) faults.push(`after that ${failed} of ${calls} calls failed`);
  if (until.failed === 0) faults.push("the broken replica was never called");
  const seen = `left out after ${(ejectedMs / 1000).toFixed(1)} s, then ${failed} of ${calls} calls failed`;
  const mayFail = (failure: string) => failure.includes("INTERNAL");
  return toRow({ drill: "one broken replica of three", invariant: "52", seen }, until, faults, mayFail);
}
