import { asyncProperty, check, type RunDetails } from "fast-check";
import { type HandleRequest, type HttpResponse, isWhole } from "../http-message.ts";
import {
  type HostileRequest,
  hostileRequests,
  type PumpedRequest,
  pump,
  pumpedRequests,
  toHttpRequest,
} from "./hostile-requests.ts";

export interface FuzzOptions {
  handle: HandleRequest;
  seed: number;
  /** So many requests, and so many long ones; or as many as this time allows. */
  runs?: { hostile: number; pumped: number };
  timeMs?: number;
}

/** So many runs, or as many as this time allows. By seed they are the same again. */
export interface FuzzLimits {
  seed: number;
  numRuns?: number | undefined;
  timeMs?: number;
}

export const runsOf = ({ seed, numRuns, timeMs = 0 }: FuzzLimits) =>
  numRuns === undefined
    ? { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: timeMs, markInterruptAsFailure: false }
    : { seed, numRuns };

export interface FuzzReport {
  readonly hostile: RunDetails<[HostileRequest]>;
  readonly pumped: RunDetails<[PumpedRequest]>;
}

/** What a stranger may be told, whatever he sends: all but that something went wrong in here. */
const STATUSES = [200, 204, 304, 400, 404, 405, 406, 408, 409, 412, 413, 415, 426, 429, 499, 501, 504];
const TIMEOUT_MS = 5000;

/**
 * Sends what a stranger may send, and what is long in one place. Each is answered by a status that says whose fault it is,
 * tells nothing of the inside, and takes time that grows with its length and no faster. By seed it is the same again.
 */
export async function fuzz({ handle, seed, runs, timeMs = 0 }: FuzzOptions): Promise<FuzzReport> {
  const until = (numRuns: number | undefined) => runsOf({ seed, numRuns, timeMs: timeMs / 2 });
  const hostile = await check(
    asyncProperty(hostileRequests, async (request) => assertAnswer(await answer(handle, request))),
    until(runs?.hostile),
  );
  const pumped = await check(
    asyncProperty(pumpedRequests, (request) => assertLinear(handle, request)),
    until(runs?.pumped),
  );
  return { hostile, pumped };
}

export interface Answer extends Omit<HttpResponse, "body"> {
  readonly body: string;
}

/** The whole of it: streams of the fixture end. */
export async function answer(handle: HandleRequest, request: HostileRequest): Promise<Answer> {
  const response = await handle(toHttpRequest(request, TIMEOUT_MS));
  const { body } = response;
  if (isWhole(body)) return { ...response, body: Buffer.from(body as Uint8Array).toString() };
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(Buffer.from(part as Uint8Array));
  return { ...response, body: Buffer.concat(parts).toString() };
}

export function assertAnswer({ status, headers, body }: Answer): void {
  if (!STATUSES.includes(status)) throw new Error(`answered with ${status}: ${body}`);
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\x20-\x7e\t]*$/.test(value)) throw new Error(`the header ${name} is ${JSON.stringify(value)}`);
  }
  if (status >= 400 && body !== "" && typeof JSON.parse(body) !== "object")
    throw new Error(`an error that is no object: ${body}`);
  if (/node_modules|\.ts:\d|Error:/.test(body)) throw new Error(`tells of the inside: ${body}`);
}

const [SHORT, LONG] = [8_000, 64_000];
const ATTEMPTS = 10;

/** Eight times as long: three times over that is the machine, sixty-four would be the square. */
async function assertLinear(handle: HandleRequest, request: PumpedRequest): Promise<void> {
  let least = { short: Number.POSITIVE_INFINITY, long: Number.POSITIVE_INFINITY };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    least = {
      short: Math.min(least.short, await timed(handle, pump(request, SHORT))),
      long: Math.min(least.long, await timed(handle, pump(request, LONG))),
    };
    if (least.long <= 24 * least.short + 10) return;
  }
  throw new Error(`${LONG} characters take ${least.long.toFixed(1)} ms, ${SHORT} take ${least.short.toFixed(1)} ms`);
}

/** Of CPU, in milliseconds: a busy machine makes everything else wait. */
async function timed(handle: HandleRequest, request: HostileRequest): Promise<number> {
  const before = process.cpuUsage();
  const told = await answer(handle, request);
  const { user, system } = process.cpuUsage(before);
  assertAnswer(told);
  return (user + system) / 1000;
}
