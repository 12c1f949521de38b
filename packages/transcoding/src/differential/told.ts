import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";

/** A request of transcoding-cases.json. */
export interface Ask {
  readonly from: string;
  readonly send: string;
  readonly with?: Record<string, string>;
  readonly body?: unknown;
  readonly raw?: string;
}

/** What of an answer two implementations should agree about: not the words of an error. */
export interface Told {
  readonly status: number;
  /** Parsed where it is JSON. Of an error the number of its code. */
  readonly body: unknown;
}

const TIMEOUT_MS = 10_000;

/** Sends the request as it stands: clients that mend paths would hide what is to be seen. */
export async function ask(port: number, { send, with: headers = {}, body, raw }: Ask): Promise<Told> {
  const [method = "", path = ""] = send.split(" ", 2);
  const bytes = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const length = bytes === undefined ? {} : { "content-length": Buffer.byteLength(bytes) };
  const sent = request({
    host: "127.0.0.1",
    port,
    method,
    path,
    headers: { ...headers, ...length },
    agent: false,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  sent.on("upgrade", (response, socket) => {
    socket.destroy();
    sent.emit("response", response);
  });
  sent.end(bytes);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const { statusCode: status = 0 } = response;
  const json = parsed(status === 101 ? "" : await text(response));
  return { status, body: status < 400 ? json : (json as { code?: number } | undefined)?.code };
}

export const tellsTheSame = (one: Told, other: Told): boolean => isDeepStrictEqual(one, other);

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
