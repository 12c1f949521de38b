import { setTimeout as delay } from "node:timers/promises";
import * as eventsv1 from "@tenon/contracts/events/v1";
import { StatusError } from "@tenon/errors";
import { createClient } from "@tenon/grpc";
import type { SeededRandom } from "@tenon/testing";
import type { ProcessPlatform } from "../processes/process-platform.ts";
import type { Credentials } from "./chaos-accounts.ts";
import type { ChaosHistory } from "./chaos-history.ts";

export interface ChaosOperatorOptions {
  targets: ProcessPlatform["targets"];
  asAdmin: Credentials;
  random: SeededRandom;
  history: ChaosHistory;
}

/** Somebody who has all events of a service told again, at any time and for no reason. */
export interface ChaosOperator {
  /** Replays that came to their end. */
  readonly replays: number;
  run(stop: AbortSignal): Promise<void>;
}

const PUBLISHERS = ["user", "order", "payment"] as const;
const [PAUSE_LEAST_MS, PAUSE_MOST_MS] = [3000, 15_000];
const REPLAY_LIMIT_MS = 30_000;

export function createChaosOperator({ targets, asAdmin, random, history }: ChaosOperatorOptions): ChaosOperator {
  let replays = 0;

  async function replay(service: (typeof PUBLISHERS)[number]): Promise<void> {
    const outbox = createClient(eventsv1.OutboxService, { target: targets[service] });
    let count = 0n;
    try {
      const answers = outbox.replayOutbox({}, { ...(await asAdmin()), timeoutMs: REPLAY_LIMIT_MS });
      for await (const { events } of answers) count = events;
      replays += 1;
      history.add("replay", { service, events: count });
    } catch (error) {
      // Whoever was killed meanwhile has told some of them again.
      if (!(error instanceof StatusError)) throw error;
      history.add("replay", { service, events: count, code: error.code });
    } finally {
      outbox.close();
    }
  }

  return {
    get replays() {
      return replays;
    },
    async run(stop) {
      while (!stop.aborted) {
        await delay(random.between(PAUSE_LEAST_MS, PAUSE_MOST_MS), undefined, { signal: stop }).catch(() => {});
        if (!stop.aborted) await replay(random.pick(PUBLISHERS));
      }
    },
  };
}
