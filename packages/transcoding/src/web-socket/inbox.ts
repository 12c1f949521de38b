/** Messages that came before someone asked for them, in their order, then their end. */
export interface Inbox<T> extends AsyncIterable<T> {
  put(message: T, bytes: number): void;
  /** What is there already is still given out. */
  end(): void;
  /** Nothing more is given out but this error. */
  fail(error: unknown): void;
  /** Nothing more is given out, and whoever waits is let go. */
  close(): void;
}

export interface InboxOptions {
  /** It is full with so many messages, or so many bytes; one message is taken whatever its size. */
  maxMessages: number;
  maxBytes: number;
  /** The source is to stop for a while; what it has in hand already it may still put. */
  onFull(): void;
  onRoom(): void;
}

/** A bounded queue between a source that can be paused and one reader. */
export function createInbox<T>({ maxMessages, maxBytes, onFull, onRoom }: InboxOptions): Inbox<T> {
  const messages: { message: T; bytes: number }[] = [];
  let bytes = 0;
  let full = false;
  let over = false;
  let failure: { error: unknown } | undefined;
  let wake: (() => void) | undefined;

  const take = (): T | undefined => {
    const next = messages.shift();
    if (next === undefined) return undefined;
    bytes -= next.bytes;
    if (full && messages.length < maxMessages && bytes < maxBytes) {
      full = false;
      onRoom();
    }
    return next.message;
  };
  const stop = (): void => {
    over = true;
    wake?.();
  };

  return {
    put(message, size) {
      if (over) return;
      messages.push({ message, bytes: size });
      bytes += size;
      if (!full && (messages.length >= maxMessages || bytes >= maxBytes)) {
        full = true;
        onFull();
      }
      wake?.();
    },
    end: stop,
    fail(error) {
      failure = { error };
      messages.length = 0;
      stop();
    },
    close() {
      messages.length = 0;
      stop();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        if (failure) throw failure.error;
        const message = take();
        if (message !== undefined) yield message;
        else if (over) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}
