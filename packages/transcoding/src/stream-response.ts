/** How the messages of a stream are written into one body. */
export interface StreamFormat {
  readonly contentType: string;
  open(): string;
  message(json: string, id: string | undefined): string;
  /** The status of a stream that failed, as google.rpc.Status in JSON. */
  error(json: string): string;
  /** After the last message, or the error. */
  close(outcome: "ok" | "error"): string;
  /** Shows that the connection lives; not every format can. */
  readonly heartbeat?: string;
}

/**
 * Formats by their media type, the first for clients that take any. A stream that fails ends, in an array or in lines,
 * with the object `{"error": <google.rpc.Status>}`; as events with one named `error`. A stream of events that is over ends
 * with one named `end`, so that a browser need not ask again.
 */
export const STREAM_FORMATS: Readonly<Record<string, () => StreamFormat>> = {
  "application/json": createArrayFormat,
  "application/x-ndjson": () => ({
    contentType: "application/x-ndjson",
    open: () => "",
    message: (json) => `${json}\n`,
    error: (json) => `{"error":${json}}\n`,
    close: () => "",
  }),
  "text/event-stream": () => ({
    contentType: "text/event-stream",
    open: () => ":\n\n",
    message: (json, id) => `${id === undefined ? "" : `id: ${id}\n`}data: ${json}\n\n`,
    error: (json) => `event: error\ndata: ${json}\n\n`,
    close: (outcome) => (outcome === "ok" ? "event: end\ndata: {}\n\n" : ""),
    heartbeat: ":\n\n",
  }),
};

function createArrayFormat(): StreamFormat {
  let separator = "[";
  const element = (json: string) => {
    const text = `${separator}${json}`;
    separator = ",\n";
    return text;
  };
  return {
    contentType: "application/json",
    open: () => "",
    message: element,
    error: (json) => element(`{"error":${json}}`),
    close: () => (separator === "[" ? "[]" : "]"),
  };
}

export interface WriteStreamOptions {
  format: StreamFormat;
  /** The messages as JSON with their ids. */
  messages: AsyncIterator<{ json: string; id: string | undefined }>;
  /** Whatever the messages threw, as google.rpc.Status in JSON. */
  toErrorJson: (thrown: unknown) => string;
  /** Time without a message after which a heartbeat is sent. */
  heartbeatMs: number;
}

/** The parts of the body. Each is made when the one before was taken, so that a slow client holds the backend back. */
export async function* writeStream(options: WriteStreamOptions): AsyncGenerator<string> {
  const { format, messages, toErrorJson, heartbeatMs } = options;
  let outcome: "ok" | "error" | undefined;
  try {
    const opening = format.open();
    if (opening !== "") yield opening;
    while (true) {
      const next = messages.next();
      next.catch(() => {});
      while (format.heartbeat !== undefined && !(await settlesWithin(heartbeatMs, next))) yield format.heartbeat;
      const result = await next;
      if (result.done) break;
      yield format.message(result.value.json, result.value.id);
    }
    outcome = "ok";
  } catch (error) {
    outcome = "error";
    yield format.error(toErrorJson(error));
  } finally {
    // Left early: the client has gone, and with it goes the call.
    if (outcome === undefined) await messages.return?.();
  }
  const closing = format.close(outcome);
  if (closing !== "") yield closing;
}

async function settlesWithin(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return inTime;
}
