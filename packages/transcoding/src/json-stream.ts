import { bodyTooLarge } from "./http-refusal.ts";
import { decodeUtf8, jsonInvalid } from "./json-text.ts";

const [NEWLINE, QUOTE, BACKSLASH, COMMA, OPEN, CLOSE] = [...Buffer.from('\n"\\,[]')] as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const OPENING = new Set(Buffer.from("[{"));
const CLOSING = new Set(Buffer.from("]}"));
const SPACE = new Set(Buffer.from(" \t\r\n"));

/** Takes bytes and gives the texts of whole messages that they complete. */
interface Splitter {
  push(chunk: Uint8Array): string[];
  /** Gives what is left at the end of the body. */
  end(): string[];
}

/**
 * The messages of a body as they come in, each as JSON text: the lines of one in NDJSON, the elements of an array. As
 * `json`, its first character says which. Not more than one message and one chunk of the body is held.
 */
export async function* splitMessages(
  body: AsyncIterable<Uint8Array>,
  { kind, maxBytes }: { kind: "json" | "lines"; maxBytes: number },
): AsyncGenerator<string> {
  let splitter: Splitter | undefined = kind === "lines" ? createLineSplitter(maxBytes) : undefined;
  for await (const chunk of body) {
    if (splitter === undefined) {
      const first = chunk.find((byte) => !SPACE.has(byte));
      if (first === undefined) continue;
      splitter = first === OPEN ? createArraySplitter(maxBytes) : createLineSplitter(maxBytes);
    }
    yield* splitter.push(chunk);
  }
  if (splitter) yield* splitter.end();
}

/** What is known of a message so far. */
function createPending(maxBytes: number) {
  let parts: Uint8Array[] = [];
  let length = 0;
  return {
    add(part: Uint8Array): void {
      if (part.byteLength === 0) return;
      length += part.byteLength;
      if (length > maxBytes) throw bodyTooLarge(maxBytes);
      parts.push(part);
    },
    take(): string {
      const text = decodeUtf8(Buffer.concat(parts)).trim();
      parts = [];
      length = 0;
      return text;
    },
  };
}

function createLineSplitter(maxBytes: number): Splitter {
  const pending = createPending(maxBytes);
  const take = () => {
    const line = pending.take();
    return line === "" ? [] : [line];
  };
  return {
    push(chunk) {
      const lines: string[] = [];
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        pending.add(chunk.subarray(start, end));
        start = end + 1;
        lines.push(...take());
      }
      pending.add(chunk.slice(start));
      return lines;
    },
    end: take,
  };
}

function createArraySplitter(maxBytes: number): Splitter {
  const pending = createPending(maxBytes);
  let depth = 0;
  let inString = false;
  let escaped = false;
  let closed = false;
  let count = 0;
  return {
    push(chunk) {
      const elements: string[] = [];
      let start = 0;
      const finish = (end: number, last: boolean) => {
        pending.add(chunk.subarray(start, end));
        start = end + 1;
        const element = pending.take();
        if (element !== "") elements.push(element);
        else if (!last || count > 0) throw jsonInvalid("not JSON: an element of the array is missing");
        count += 1;
      };
      for (let index = 0; index < chunk.byteLength; index++) {
        const byte = chunk[index] as number;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inString = false;
        } else if (closed) {
          if (!SPACE.has(byte)) throw jsonInvalid("not JSON: something follows the array");
        } else if (depth === 0) {
          if (byte === OPEN) depth = 1;
          start = index + 1;
        } else if (byte === QUOTE) inString = true;
        else if (OPENING.has(byte)) depth += 1;
        else if (byte === CLOSE && depth === 1) {
          finish(index, true);
          closed = true;
        } else if (CLOSING.has(byte)) depth -= 1;
        else if (byte === COMMA && depth === 1) finish(index, false);
      }
      if (!closed) pending.add(chunk.slice(start));
      return elements;
    },
    end() {
      if (!closed) throw jsonInvalid("not JSON: the array has no end");
      return [];
    },
  };
}
