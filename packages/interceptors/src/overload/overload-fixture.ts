import type { Interceptor, Method } from "@tenon/grpc";
import { PRIORITIES, type Priority } from "./admission.ts";

/** A clock that goes from event to event, and numbers that look random: the same in each run. */
export function createSimulation(seed = 1) {
  let nowMs = 0;
  let order = 0;
  let state = seed;
  const events: { atMs: number; order: number; work: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    schedule(work: () => void, delayMs: number): () => void {
      const event = { atMs: nowMs + Math.max(0, delayMs), order: order++, work };
      let low = 0;
      for (let high = events.length; low < high; ) {
        const middle = (low + high) >> 1;
        if ((events[middle]?.atMs ?? 0) > event.atMs) low = middle + 1;
        else high = middle;
      }
      events.splice(low, 0, event); // the next is the last
      return () => {
        event.work = () => {};
      };
    },
    random(): number {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    },
    /** Runs until then, with the promises that each event settles. */
    async runUntil(atMs: number): Promise<void> {
      for (let next = events.at(-1); next !== undefined && next.atMs <= atMs; next = events.at(-1)) {
        events.pop();
        nowMs = next.atMs;
        next.work();
        for (let turn = 0; turn < 3; turn++) await undefined;
      }
      nowMs = atMs;
    },
  };
}

export interface Outcome {
  readonly priority: Priority;
  readonly atMs: number;
  readonly admitted: boolean;
  /** From the call to its end, the wait included. */
  readonly tookMs: number;
}

export interface SimulatedServer {
  /** Calls at once that do not slow each other down. */
  capacity: number;
  /** How long one takes then. */
  serviceMs: number;
}

/** Calls of all priorities, one to four to five, through the interceptor to a server that slows down beyond its capacity. */
export function createTraffic(
  simulation: ReturnType<typeof createSimulation>,
  interceptor: Interceptor,
  { capacity, serviceMs }: SimulatedServer,
) {
  const outcomes: Outcome[] = [];
  let running = 0;

  async function call(priority: Priority): Promise<void> {
    const atMs = simulation.nowMs();
    const controller = new AbortController();
    const method = METHODS[priority];
    const hooks = interceptor({
      side: "server",
      method,
      deadline: Number.POSITIVE_INFINITY,
      signal: controller.signal,
    } as never);
    const end = (admitted: boolean) => outcomes.push({ priority, atMs, admitted, tookMs: simulation.nowMs() - atMs });
    try {
      const verdict = hooks.onStart?.();
      if (verdict !== undefined) await verdict;
    } catch {
      end(false);
      return;
    }
    running += 1;
    const slowness = Math.max(1, running / capacity) * (0.5 + simulation.random());
    simulation.schedule(() => {
      running -= 1;
      hooks.onEnd?.({ code: "OK", message: "", error: undefined });
      end(true);
    }, serviceMs * slowness);
  }

  return {
    /** So many calls a second for this long; resolves with what became of them and of those before that ended meanwhile. */
    async run(perSecond: number, forMs: number): Promise<Outcome[]> {
      const untilMs = simulation.nowMs() + forMs;
      const arrive = () => {
        const rank = simulation.random();
        void call(PRIORITIES[rank < 0.1 ? 2 : rank < 0.5 ? 1 : 0] as Priority);
        const pauseMs = (-Math.log(1 - simulation.random()) * 1000) / perSecond;
        if (simulation.nowMs() + pauseMs < untilMs) simulation.schedule(arrive, pauseMs);
      };
      simulation.schedule(arrive, 0);
      await simulation.runUntil(untilMs);
      return outcomes.splice(0);
    },
  };
}

const METHODS = Object.fromEntries(
  PRIORITIES.map((name): [Priority, Method] => {
    return [name, { path: `/a.B/${name}`, service: "a.B", name, requestStream: false, responseStream: false }];
  }),
) as Record<Priority, Method>;
