import { StatusError } from "@tenon/errors";
import { type HandleRequest, type HttpRequest, isWhole, type WholeBody } from "@tenon/transcoding";

/** The streams that are open: an order may be watched for an hour, and a gateway that closes does not wait so long. */
export interface LiveStreams {
  /** Streams that this answers with are known here as long as they are read. */
  tracked(handle: HandleRequest): HandleRequest;
  /** Ends them all with UNAVAILABLE (DRAINING), which tells their clients to connect again. */
  end(): void;
}

export function createLiveStreams(): LiveStreams {
  const live = new Set<HttpRequest>();
  return {
    tracked: (handle) => async (request) => {
      const response = await handle(request);
      const { body } = response;
      if (isWhole(body)) return response;
      live.add(request);
      const parts = body[Symbol.asyncIterator]();
      const whenOver = () => live.delete(request);
      request.signal.addEventListener("abort", whenOver, { once: true });
      return { ...response, body: { [Symbol.asyncIterator]: () => withEnd(parts, whenOver) } };
    },
    end() {
      const draining = drainingError();
      for (const { abort } of live) abort?.(draining);
    },
  };
}

/** What the clients of streams are told: the end of this gateway is not the end of what they watch. */
export const drainingError = () =>
  new StatusError("UNAVAILABLE", "the gateway is going: connect again", { reason: "DRAINING", domain: "gateway" });

async function* withEnd(parts: AsyncIterator<WholeBody>, onEnd: () => void): AsyncGenerator<WholeBody> {
  try {
    yield* { [Symbol.asyncIterator]: () => parts };
  } finally {
    onEnd();
  }
}
