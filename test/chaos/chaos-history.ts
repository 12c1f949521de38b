import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

/** What was done and what was seen, one JSON object a line, for whoever studies a violation. */
export interface ChaosHistory {
  add(kind: string, facts: Readonly<Record<string, unknown>>): void;
  close(): Promise<void>;
}

export function createChaosHistory(file: string): ChaosHistory {
  const stream = createWriteStream(file);
  const toText = (_key: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  return {
    add: (kind, facts) => void stream.write(`${JSON.stringify({ at: new Date(), kind, ...facts }, toText)}\n`),
    async close() {
      stream.end();
      await finished(stream);
    },
  };
}
