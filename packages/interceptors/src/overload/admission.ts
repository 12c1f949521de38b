/** The higher goes first and is refused last. */
export const PRIORITIES = ["low", "normal", "high"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The share of the limit that each priority may fill, so that room is left for those above it. */
const SHARES: Readonly<Record<Priority, number>> = { low: 0.7, normal: 0.9, high: 1 };
const HIGHEST_FIRST = [...PRIORITIES].reverse();

export interface AdmissionOptions {
  /** How many may be in at once, at this moment. */
  limit: () => number;
  /** How many may wait; 0: none. */
  maxQueue: number;
  nowMs: () => number;
  /** Runs `work` later, unless cancelled by what it returns. */
  schedule: (work: () => void, delayMs: number) => () => void;
}

/** A call that waits, and learns once whether it is let in. */
export interface Ticket {
  readonly admitted: Promise<boolean>;
  /** It waits no more. */
  cancel(): void;
}

export interface Admission {
  readonly inFlight: number;
  readonly queued: number;
  hasRoom(priority: Priority): boolean;
  /** Lets a call in (true), has it wait until `latestAt` at most, or refuses it (false). Each that was let in must leave. */
  enter(priority: Priority, latestAt: number): boolean | Ticket;
  leave(): void;
}

interface Waiter {
  settle(admitted: boolean): void;
}

/** A door that lets so many in at once, a short queue before it, and ranks. */
export function createAdmission({ limit, maxQueue, nowMs, schedule }: AdmissionOptions): Admission {
  const queues: Record<Priority, Waiter[]> = { low: [], normal: [], high: [] };
  let inFlight = 0;
  let queued = 0;

  const hasRoom = (priority: Priority): boolean => inFlight < Math.max(1, Math.floor(limit() * SHARES[priority]));

  /** Whether a call that comes now would overtake another of its rank or above. */
  const isOvertaking = (priority: Priority): boolean =>
    PRIORITIES.slice(PRIORITIES.indexOf(priority)).some((rank) => queues[rank].length > 0);

  /** Turns the newest of the lowest rank away, if that is below this one. */
  function evictBelow(priority: Priority): boolean {
    for (const rank of PRIORITIES.slice(0, PRIORITIES.indexOf(priority))) {
      const last = queues[rank].at(-1);
      if (last === undefined) continue;
      last.settle(false);
      return true;
    }
    return false;
  }

  function admitNext(): void {
    for (const rank of HIGHEST_FIRST) {
      for (let next = queues[rank][0]; next !== undefined && hasRoom(rank); next = queues[rank][0]) next.settle(true);
    }
  }

  function wait(priority: Priority, latestAt: number): Ticket {
    let resolve: (admitted: boolean) => void = () => {};
    const promise = new Promise<boolean>((settle) => {
      resolve = settle;
    });
    const queue = queues[priority];
    const waiter: Waiter = {
      settle(admitted) {
        const place = queue.indexOf(waiter);
        if (place < 0) return;
        queue.splice(place, 1);
        queued -= 1;
        stopTimer();
        if (admitted) inFlight += 1;
        resolve(admitted);
      },
    };
    const stopTimer = schedule(() => waiter.settle(false), latestAt - nowMs());
    queue.push(waiter);
    queued += 1;
    return { admitted: promise, cancel: () => waiter.settle(false) };
  }

  return {
    get inFlight() {
      return inFlight;
    },
    get queued() {
      return queued;
    },
    hasRoom,
    enter(priority, latestAt) {
      if (!isOvertaking(priority) && hasRoom(priority)) {
        inFlight += 1;
        return true;
      }
      if (latestAt <= nowMs()) return false;
      if (queued >= maxQueue && !evictBelow(priority)) return false;
      return wait(priority, latestAt);
    },
    leave() {
      inFlight -= 1;
      admitNext();
    },
  };
}
