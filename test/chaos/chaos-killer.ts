import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { SeededRandom } from "@tenon/testing";
import type { ProcessPlatform } from "../processes/process-platform.ts";
import type { ChaosHistory } from "./chaos-history.ts";
import { CRASH_POINTS } from "./crash-points.ts";

export interface ChaosKillerOptions {
  platform: Pick<ProcessPlatform, "processes" | "nats" | "postgresPid">;
  random: SeededRandom;
  history: ChaosHistory;
}

export interface Kill {
  readonly victim: string;
  /** Undefined: at a random time. */
  readonly point: string | undefined;
  readonly at: number;
}

export interface ChaosKiller {
  readonly kills: readonly Kill[];
  /** Kills one after the other until `stop` aborts. */
  run(stop: AbortSignal): Promise<void>;
  /** To be told when a process that was armed came to its point and has killed. */
  reached(process: string): void;
}

interface Plan {
  readonly victim: string;
  readonly point: string;
}

/** One in so many comes at a random time; the others at a crash point. */
const RANDOM_ONE_IN = 4;
/** Who takes events. */
const LISTENER = "order";
/** How long processes that are armed have until one of them comes by. */
const REACH_LIMIT_MS = 5000;
const [PAUSE_LEAST_MS, PAUSE_MOST_MS] = [100, 1200];
/** One in so many comes while what was killed before is still away. */
const OVERLAPPING_ONE_IN = 3;
const RECOVERY_LIMIT_MS = 10_000;

/** Kills every process at every crash point, in an order that the seed decides, and at random times between. */
export function createChaosKiller({ platform, random, history }: ChaosKillerOptions): ChaosKiller {
  const { processes, nats } = platform;
  const kills: Kill[] = [];
  const mortals = [...processes, ...(nats ? [nats] : [])];
  const victims = [...mortals.map(({ name }) => name), "postgres"];
  const allPlans = victims.flatMap((victim) => Object.keys(CRASH_POINTS).map((point) => ({ victim, point })));
  let plans: Plan[] = [];
  const armed = new Map<string, Plan>();
  let hit = Promise.withResolvers<void>();

  const pidOf = async (victim: string) =>
    victim === "postgres" ? platform.postgresPid() : mortals.find(({ name }) => name === victim)?.pid;

  function note(victim: string, point: string | undefined): void {
    kills.push({ victim, point, at: Date.now() });
    history.add("kill", { victim, point });
  }

  async function killNow(victim: string): Promise<void> {
    const pid = await pidOf(victim);
    if (pid === undefined) return;
    process.kill(pid, "SIGKILL");
    note(victim, undefined);
  }

  /** What the broker took while nobody listened it has alone: every other time it dies with that. */
  async function killAnybody(): Promise<void> {
    const victim = random.pick(victims);
    if (victim === nats?.name && random.isOneIn(2)) {
      for (const { name } of processes.filter(({ service }) => service === LISTENER)) await killNow(name);
      await delay(random.between(PAUSE_LEAST_MS, PAUSE_MOST_MS));
    }
    await killNow(victim);
  }

  /**
   * Arms the replicas of a service, each with a plan of its own; who comes to his point first kills, and the other is
   * disarmed. Services get their turn by the number of their points.
   */
  async function killAtPoint(stop: AbortSignal): Promise<void> {
    hit = Promise.withResolvers();
    const { service } = random.pick(Object.values(CRASH_POINTS));
    for (const each of processes.filter((each) => each.service === service)) {
      const plan = takePlan(each);
      const pid = plan && (await pidOf(plan.victim));
      if (plan === undefined || pid === undefined) continue;
      armed.set(each.name, plan);
      each.tell({ point: plan.point, pid, skip: random.between(0, 1) });
    }
    await Promise.race([hit.promise, delay(REACH_LIMIT_MS, undefined, { signal: stop }).catch(() => {})]);
    for (const each of processes) each.tell({});
    plans.push(...armed.values());
    armed.clear();
  }

  /** The next plan at whose point this process can come by. A replica is killed by itself or by another service. */
  function takePlan({ name, service }: (typeof processes)[number]): Plan | undefined {
    const siblings = processes.filter((each) => each.service === service && each.name !== name);
    const isHis = ({ victim, point }: Plan) =>
      CRASH_POINTS[point]?.service === service && !siblings.some((sibling) => sibling.name === victim);
    if (!plans.some(isHis)) plans.push(...random.shuffled(allPlans.filter(isHis)));
    return plans.splice(plans.findIndex(isHis), 1)[0];
  }

  async function allReady(stop: AbortSignal): Promise<void> {
    const ready = Promise.all(mortals.map((each) => each.ready(RECOVERY_LIMIT_MS)));
    await Promise.race([ready, once(stop, "abort")]).catch(() => {});
  }

  return {
    kills,
    reached(name) {
      const plan = armed.get(name);
      if (plan === undefined) return;
      armed.delete(name);
      note(plan.victim, plan.point);
      hit.resolve();
    },
    async run(stop) {
      plans = random.shuffled(allPlans);
      while (!stop.aborted) {
        await delay(random.between(PAUSE_LEAST_MS, PAUSE_MOST_MS), undefined, { signal: stop }).catch(() => {});
        if (!random.isOneIn(OVERLAPPING_ONE_IN)) await allReady(stop);
        if (stop.aborted) return;
        if (random.isOneIn(RANDOM_ONE_IN)) await killAnybody();
        else await killAtPoint(stop);
      }
    },
  };
}
