import type { Logger } from "@tenon/logger";
import { Gauge, type Registry } from "prom-client";

export interface SampledGaugeOptions {
  name: string;
  help: string;
  /** The one label that tells the samples apart, of few values; by default there is a single sample. */
  label?: string;
  registry: Registry;
  logger: Logger;
  /** Asked at each scrape; `signal` aborts after a second. */
  sample: (signal: AbortSignal) => Promise<readonly { of?: string; value: number }[]>;
}

const SAMPLE_MS = 1000;

/**
 * A gauge whose value is looked up when somebody scrapes, such as a count of rows. Where it cannot be had the page comes
 * without it, as Prometheus has it for what is not known: an old value would tell that all is well.
 */
export function sampledGauge({ name, help, label, registry, logger, sample }: SampledGaugeOptions): void {
  new Gauge({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    async collect() {
      const samples = await sample(AbortSignal.timeout(SAMPLE_MS)).catch((err) => {
        logger.debug({ metric: name, err }, "a metric cannot be looked up");
        return [];
      });
      // Without labels, a reset would leave a zero.
      if (label === undefined) this.remove();
      else this.reset();
      for (const { of = "", value } of samples) this.set(label === undefined ? {} : { [label]: of }, value);
    },
  });
}
