import { StatusError } from "@tenon/errors";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";

export interface SimulationOptions {
  /** The same seed gives the same run, moment by moment. */
  seed: number;
  /** So many processes are killed at most; by default 6. */
  kills?: number;
  /** So many times a clock jumps at most; by default 4. */
  jumps?: number;
}

/**
 * Processes, a network and clocks of which one seed decides everything: how long each moment takes, who is killed in it,
 * which request or answer is lost, late or doubled, whose clock jumps, by half a minute or a day, forwards or back. Nothing in it may use real time, real chance or real input and output.
 */
export interface Simulation {
  readonly random: SeededRandom;
  /** What happened, a line each. */
  readonly history: readonly string[];
  /** By the clock of the database that all replicas of a service share. */
  now(): Date;
  /** UUIDs that grow, as UUIDv7 do. */
  newId(): string;
  /** A process that is started now and again some time after each kill; `live` begins what it does by itself. */
  start(name: string, live?: (life: Life) => void): SimulatedProcess;
  /**
   * A request from one process to one of the others: `serve` runs in the life of the callee. Rejects with UNAVAILABLE where
   * that is down or dies, and with DEADLINE_EXCEEDED after `timeoutMs`, by default 5 s, of simulated time.
   */
  call<T>(from: Life, to: readonly SimulatedProcess[], request: SimulatedRequest<T>): Promise<T>;
  /** From now on nobody is killed, nothing is lost, and all clocks are right. */
  calmDown(): void;
  /** Lets `ms` of simulated time pass, or less where nothing is left to happen. */
  run(ms: number): Promise<void>;
}

export interface SimulatedRequest<T> {
  what: string;
  serve(life: Life): Promise<T>;
  timeoutMs?: number;
}

export interface SimulatedProcess {
  readonly name: string;
  /** Undefined while it is down. */
  readonly life: Life | undefined;
}

/** A process between its start and its kill. What it awaits when it is killed never comes. */
export interface Life {
  readonly name: string;
  readonly isOver: boolean;
  /** By the clock of its machine. */
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** A moment that may take some time, or be the last. */
  moment(what: string): Promise<void>;
  /** `work` is done when this life is over, unless the function that this returns was called before. */
  whenOver(work: () => void): () => void;
}

const START_AT = Date.UTC(2026, 0, 1);
const TIMEOUT_MS = 5000;
const LONGEST_DOWN_MS = 4000;
const DATABASE = "the database";
const JUMPS_MS = [30_000, 600_000, 3_600_000, 26 * 3_600_000];

interface Happening {
  readonly atMs: number;
  readonly order: number;
  happen(): void;
}

export function createSimulation({ seed, kills = 6, jumps = 4 }: SimulationOptions): Simulation {
  const random = createSeededRandom(seed);
  const history: string[] = [];
  const happenings: Happening[] = [];
  let nowMs = START_AT;
  let order = 0;
  let ids = 0;
  let killsLeft = kills;
  let jumpsLeft = jumps;
  /** How much each clock is ahead; whoever is not in it is right. */
  const aheadMs = new Map<string, number>();
  let isCalm = false;

  const after = (ms: number, happen: () => void) => {
    order += 1;
    happenings.push({ atMs: nowMs + ms, order, happen });
  };
  const note = (what: string) => void history.push(`${String(nowMs - START_AT).padStart(7)} ms  ${what}`);

  const clockOf = (name: string) => new Date(nowMs + (aheadMs.get(name) ?? 0));

  /** A clock that was wrong is as likely to be set right as to go wrong again. */
  function jump(name: string): void {
    jumpsLeft -= 1;
    const ms = aheadMs.has(name) ? 0 : random.pick(JUMPS_MS) * (random.isOneIn(2) ? 1 : -1);
    if (ms === 0) aheadMs.delete(name);
    else aheadMs.set(name, ms);
    note(`the clock of ${name} is ${ms === 0 ? "set right" : `off by ${ms / 1000} s`}`);
  }

  /** Most moments are short, some are not, a few take longer than anybody waits. */
  function duration(): number {
    if (isCalm || !random.isOneIn(4)) return random.between(0, 3);
    return random.isOneIn(6) ? random.between(500, 8000) : random.between(3, 300);
  }

  function createLife(name: string, onKilled: () => void) {
    const duties = new Set<() => void>();
    const life = {
      name,
      isOver: false,
      now: () => clockOf(name),
      sleep: (ms: number) =>
        new Promise<void>((resolve) =>
          after(ms, () => {
            if (!life.isOver) resolve();
          }),
        ),
      moment: (what: string) =>
        new Promise<void>((resolve) =>
          after(duration(), () => {
            if (life.isOver) return;
            if (!isCalm && jumpsLeft > 0 && random.isOneIn(50)) jump(random.isOneIn(3) ? DATABASE : name);
            if (isCalm || killsLeft === 0 || !random.isOneIn(30)) return resolve();
            killsLeft -= 1;
            note(`${name} is killed: ${what}`);
            life.isOver = true;
            for (const duty of duties) duty();
            onKilled();
          }),
        ),
      whenOver(work: () => void) {
        duties.add(work);
        return () => void duties.delete(work);
      },
    };
    return life;
  }

  /** The promise, for as long as whoever awaits it lives. */
  const within = <T>(life: Life, promise: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      promise.then(
        (value) => !life.isOver && resolve(value),
        (error) => !life.isOver && reject(error),
      );
    });

  return {
    random,
    history,
    now: () => clockOf(DATABASE),

    newId() {
      ids += 1;
      const time = nowMs.toString(16).padStart(12, "0");
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${ids.toString(16).padStart(12, "0")}`;
    },

    start(name, live = () => {}) {
      const process: { name: string; life: Life | undefined } = { name, life: undefined };
      const begin = () => {
        process.life = createLife(name, () => {
          process.life = undefined;
          after(random.between(50, LONGEST_DOWN_MS), begin);
        });
        note(`${name} starts`);
        live(process.life);
      };
      begin();
      return process;
    },

    async call<T>(from: Life, to: readonly SimulatedProcess[], request: SimulatedRequest<T>): Promise<T> {
      const { what, serve, timeoutMs = TIMEOUT_MS } = request;
      await from.moment(`before ${what}`);
      const outcome = Promise.withResolvers<T>();
      const isLost = () => !isCalm && random.isOneIn(12);
      const deliver = () => {
        const life = random.pick(to).life;
        if (life === undefined) return outcome.reject(new StatusError("UNAVAILABLE", "no connection"));
        note(`${what} arrives at ${life.name}`);
        const forget = life.whenOver(() => outcome.reject(new StatusError("UNAVAILABLE", "the connection broke")));
        const answered = life.moment(`as ${what} arrives`).then(() => serve(life));
        const tell = (settle: () => void) => {
          forget();
          if (isLost()) note(`the answer to ${what} is lost`);
          else after(duration(), settle);
        };
        answered.then(
          (answer) => tell(() => outcome.resolve(answer)),
          (error) => tell(() => outcome.reject(error)),
        );
      };
      if (isLost()) note(`${what} is lost`);
      else after(duration(), deliver);
      if (!isCalm && random.isOneIn(12)) after(duration(), deliver);
      after(timeoutMs, () => outcome.reject(new StatusError("DEADLINE_EXCEEDED", "no answer in time")));
      outcome.promise.catch(() => {});
      return within(from, outcome.promise);
    },

    calmDown() {
      isCalm = true;
      aheadMs.clear();
      note("all is calm");
    },

    async run(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = takeFirst(happenings, untilMs);
        if (next === undefined) break;
        nowMs = next.atMs;
        next.happen();
        // All that follows from it without waiting for time.
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = untilMs;
    },
  };
}

/** Takes out what happens first, if it does by then. */
function takeFirst(happenings: Happening[], untilMs: number): Happening | undefined {
  let first: Happening | undefined;
  for (const each of happenings) {
    if (first === undefined || each.atMs < first.atMs || (each.atMs === first.atMs && each.order < first.order)) {
      first = each;
    }
  }
  if (first === undefined || first.atMs > untilMs) return undefined;
  happenings.splice(happenings.indexOf(first), 1);
  return first;
}
