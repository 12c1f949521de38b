import { StatusError } from "@tenon/errors";
import { MAX_RECORDED_AT_ONCE, type RecordingStep } from "./greeting.ts";

export interface RecordingsOptions {
  /** Characters that all recordings under way may hold together; by default 16 Mi, some 40 MiB of memory. */
  maxHeldChars?: number;
}

/** Collects the names of recordings until each is whole. */
export interface Recordings {
  /**
   * Reads one recording to its end and hands its names to `store`. Throws INVALID_ARGUMENT where it is not whole (the
   * end of a stream alone proves nothing: a caller that was cut off looks the same), and RESOURCE_EXHAUSTED where those
   * under way hold too much already.
   */
  collect(steps: AsyncIterable<RecordingStep>, store: (names: readonly string[]) => Promise<void>): Promise<number>;
}

/** What a name costs beyond its characters: its string and its place in the list. */
const NAME_OVERHEAD_CHARS = 32;

export function createRecordings({ maxHeldChars = 16 * 1024 * 1024 }: RecordingsOptions = {}): Recordings {
  let heldChars = 0;
  return {
    async collect(steps, store) {
      const names: string[] = [];
      let closed = false;
      let mine = 0;
      try {
        for await (const { name, last, count } of steps) {
          if (closed) throw incomplete("nothing may follow the closing message");
          if (last) {
            if (name !== "") throw incomplete("the closing message carries no name");
            if (count !== names.length)
              throw incomplete(`${names.length} names came, the closing message says ${count}`);
            closed = true;
            continue;
          }
          if (name === "") throw nameRequired();
          if (names.length === MAX_RECORDED_AT_ONCE) throw tooMany();
          const chars = name.length + NAME_OVERHEAD_CHARS;
          if (heldChars + chars > maxHeldChars) throw overloaded();
          heldChars += chars;
          mine += chars;
          names.push(name);
        }
        if (!closed) throw incomplete("the stream ended without its closing message");
        if (names.length > 0) await store(names);
        return names.length;
      } finally {
        heldChars -= mine;
      }
    },
  };
}

/** There is nobody to greet. */
export const nameRequired = () =>
  new StatusError("INVALID_ARGUMENT", "name is required", {
    reason: "NAME_REQUIRED",
    violations: [{ field: "name", description: "must not be empty" }],
  });

const incomplete = (what: string) =>
  new StatusError("INVALID_ARGUMENT", `nothing was recorded: ${what}`, { reason: "STREAM_INCOMPLETE" });

const tooMany = () =>
  new StatusError("INVALID_ARGUMENT", `nothing was recorded: at most ${MAX_RECORDED_AT_ONCE} names go in one call`, {
    reason: "TOO_MANY_NAMES",
  });

const overloaded = () =>
  new StatusError("RESOURCE_EXHAUSTED", "nothing was recorded: too many recordings are under way", {
    reason: "OVERLOADED",
    retryDelayMs: 1000,
  });
