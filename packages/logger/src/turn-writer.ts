import type { DestinationStream } from "pino";

/** So much text is held at most; more is written at once. */
const MAX_HELD_CHARACTERS = 64 * 1024;

/**
 * Writes the lines of one turn of the event loop together, because each write asks the system, which costs more than all
 * the rest of a line, and a busy turn has many. Whatever is held when the process exits is written then, also where an
 * error ends it; only kill -9 takes the lines of its last turn along.
 */
export function createTurnWriter(destination: DestinationStream): DestinationStream {
  let held = "";
  const flush = () => {
    const text = held;
    held = "";
    if (text !== "") destination.write(text);
  };
  process.on("exit", flush);
  return {
    write(line) {
      if (held === "") setImmediate(flush);
      held += line;
      if (held.length >= MAX_HELD_CHARACTERS) flush();
    },
  };
}
