import type { Step } from "./step-table.ts";

export interface StepLogOptions {
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** Does one thing after the other, and keeps what they took. */
export interface StepLog {
  /** Rejects as `work` does, and where the signal aborted meanwhile. `orders`: so many were placed and seen confirmed. */
  step<T>(name: string, work: () => Promise<T>, orders?: number): Promise<T>;
  readonly steps: readonly Step[];
}

export function createStepLog({ signal, onProgress }: StepLogOptions): StepLog {
  const steps: Step[] = [];
  return {
    steps,
    async step(name, work, orders) {
      onProgress(`${name}...`);
      const startedAt = performance.now();
      const result = await work();
      signal.throwIfAborted();
      steps.push({ name, seconds: (performance.now() - startedAt) / 1000, ...(orders !== undefined && { orders }) });
      return result;
    },
  };
}
