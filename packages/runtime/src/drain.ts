import type { Logger } from "@tenon/logger";

export interface DrainStep {
  /** What happens in it, for the log. */
  name: string;
  /** The drain goes on without it after this. */
  timeoutMs: number;
  run(): void | Promise<void>;
}

/** Runs the steps one after the other. One that fails or takes too long is logged and does not keep the others. */
export async function drain(steps: readonly DrainStep[], logger: Logger): Promise<void> {
  for (const { name, timeoutMs, run } of steps) {
    const startedMs = performance.now();
    try {
      const ended = await settlesWithin(timeoutMs, async () => run());
      const facts = { step: name, "drain.time_ms": Math.round(performance.now() - startedMs) };
      if (ended) logger.info(facts, "drain step done");
      else logger.warn(facts, "drain step took too long and is left behind");
    } catch (err) {
      logger.error({ step: name, err }, "drain step failed");
    }
  }
}

/** Whether `work` settled within `timeoutMs`; rejects as it does. What it does later is nobody's any more. */
export async function settlesWithin(timeoutMs: number, work: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([work().then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
