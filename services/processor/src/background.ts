import { detached } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import type { Worker } from "@tenon/runtime";

export interface Background extends Worker {
  /** Work that outlives the call that it is begun in; false where there is too much of it already. */
  begin(work: (stop: AbortSignal) => Promise<unknown>): boolean;
}

/** At once; each holds little more than a timer. */
const MAX_WORKS = 1000;

/** What is done after its caller has gone. It ends with the process: what was not done by then never is. */
export function createBackground(logger: Logger): Background {
  const stopping = new AbortController();
  const works = new Set<Promise<unknown>>();
  return {
    name: "background",
    begin(work) {
      if (works.size >= MAX_WORKS || stopping.signal.aborted) return false;
      const running = detached(() => work(stopping.signal))
        .catch((err: unknown) => {
          if (!stopping.signal.aborted) logger.warn({ err }, "work in the background failed");
        })
        .finally(() => works.delete(running));
      works.add(running);
      return true;
    },
    start() {},
    async stop() {
      stopping.abort();
      await Promise.all(works);
    },
  };
}
