import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { StatusError } from "@tenon/errors";
import { type WebSocket, WebSocketServer } from "ws";
import { headerOf } from "../header-metadata.ts";
import { type Exchange, refusal } from "../http-exchange.ts";
import type { HttpRequest, Outcome } from "../http-message.ts";
import { HttpRefusal, originNotAllowed } from "../http-refusal.ts";
import type { HttpRoute } from "../http-routes.ts";
import { sendAnswer } from "../node-listener.ts";
import type { Transcoder } from "../transcoder.ts";
import { keepAlive } from "./heartbeat.ts";
import { runWebSocket } from "./run-web-socket.ts";
import { PROTOCOLS, webSocketCodec } from "./web-socket-codec.ts";

export interface WebSocketsOptions {
  transcoder: Transcoder;
  /** Whether pages of this origin may connect; by default those of the same host only. Clients that are no browser have none. */
  isOriginAllowed?: (origin: string) => boolean;
  /** Refuses a request by throwing, before it is looked at: rate limits. By default none is refused. */
  admit?: (request: HttpRequest) => void;
  /** Silence after which a client is pinged; by default 15 s. */
  pingIntervalMs?: number;
  /** For its answer; by default 10 s. */
  pongTimeoutMs?: number;
  /** Told of each that begins. */
  observe?: (request: HttpRequest) => Observed;
}

/** One WebSocket that is observed. */
export interface Observed {
  /** As it goes on. */
  readonly request: HttpRequest;
  /** Wraps all that is done for it, for AsyncLocalStorage. */
  run(work: () => void): void;
  onEnd(end: WebSocketEnd): void;
}

/** How one WebSocket ended. */
export interface WebSocketEnd {
  /** Undefined where it was refused. */
  readonly route: HttpRoute | undefined;
  /** 101, or the status with which it was refused. */
  readonly status: number;
  readonly outcome: Outcome;
}

/**
 * WebSockets for methods with a stream, in whichever direction:
 * `createServer({ shouldUpgradeCallback: webSockets.takes }, toNodeListener(handle)).on("upgrade", webSockets.upgrade)`.
 */
export interface WebSockets {
  /** Whether a request asks for what is answered here; all others are ordinary requests. */
  takes(incoming: IncomingMessage): boolean;
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all calls with this error, by which their clients know whether to connect again. */
  end(reason: StatusError): void;
  /** Lets go of all whose clients do not answer the close. */
  terminate(): void;
}

export function createWebSockets(options: WebSocketsOptions): WebSockets {
  const {
    transcoder,
    isOriginAllowed = () => false,
    admit = () => {},
    pingIntervalMs = 15_000,
    pongTimeoutMs = 10_000,
  } = options;
  const { observe = notObserved } = options;
  const { rules } = transcoder;
  const live = new Map<Duplex, AbortController>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: rules.limits.maxBytes,
    // Compressed frames cost memory for each connection and let a small message grow large.
    perMessageDeflate: false,
    handleProtocols: (offered) => protocolOf(offered) ?? false,
  });

  function takes(incoming: IncomingMessage): boolean {
    const upgrade = incoming.headers.upgrade?.toLowerCase();
    if (upgrade !== "websocket" || incoming.method !== "GET") return false;
    try {
      const { route } = transcoder.findForSocket(requestOf(incoming, new AbortController().signal));
      return route.method.methodKind !== "unary";
    } catch (error) {
      return !(error instanceof HttpRefusal);
    }
  }

  function upgrade(incoming: IncomingMessage, connection: Duplex, head: Buffer): void {
    const left = new AbortController();
    const { request, run, onEnd } = observe(requestOf(incoming, left.signal));
    connection.on("error", () => {});
    run(begin);

    function begin(): void {
      try {
        admit(request);
        const exchange = transcoder.findForSocket(request);
        assertOrigin(request, isOriginAllowed);
        assertProtocol(request);
        accept(exchange);
      } catch (error) {
        refuse(error);
      }
    }

    function refuse(error: unknown): void {
      const answer = refusal(request, error);
      const response = new ServerResponse(incoming);
      response.shouldKeepAlive = false;
      response.assignSocket(connection as Socket);
      response.on("finish", () => connection.end());
      const end = { route: undefined, status: answer.status, outcome: { error } };
      void sendAnswer(response, answer).then(() => onEnd(end));
    }

    function accept(exchange: Exchange): void {
      const { route } = exchange;
      let upgraded = false;
      live.set(connection, left);
      connection.on("close", () => {
        live.delete(connection);
        if (!upgraded) onEnd({ route, status: 400, outcome: {} });
      });
      server.handleUpgrade(incoming, connection, head, (socket: WebSocket) => {
        upgraded = true;
        // What breaks the protocol of WebSockets itself ws answers by its close code.
        socket.on("error", () => {});
        keepAlive(socket, { intervalMs: pingIntervalMs, timeoutMs: pongTimeoutMs });
        const codec = webSocketCodec(socket.protocol, exchange, rules);
        const leave = () => left.abort();
        void runWebSocket({ socket, exchange, rules, codec, leave }).then((error) => {
          onEnd({ route, status: 101, outcome: { error } });
        });
      });
    }
  }

  return {
    takes,
    upgrade,
    end(reason) {
      for (const left of live.values()) left.abort(reason);
    },
    terminate() {
      for (const connection of live.keys()) connection.destroy();
    },
  };
}

const notObserved = (request: HttpRequest): Observed => ({ request, run: (work) => work(), onEnd() {} });

const requestOf = ({ url = "/", headers, socket }: IncomingMessage, signal: AbortSignal): HttpRequest => ({
  method: "GET",
  url,
  headers,
  peer: socket.remoteAddress,
  signal,
});

/** The first that the client likes of those there are. */
const protocolOf = (offered: Iterable<string>): string | undefined =>
  [...offered].find((protocol) => PROTOCOLS.includes(protocol));

function assertProtocol({ headers }: HttpRequest): void {
  const offered = headerOf(headers, "sec-websocket-protocol");
  if (offered === undefined || protocolOf(offered.split(",", 20).map((each) => each.trim())) !== undefined) return;
  throw new StatusError("INVALID_ARGUMENT", `the subprotocols are ${PROTOCOLS.join(" and ")}`, {
    reason: "SUBPROTOCOL_UNKNOWN",
    domain: "http",
  });
}

/** A browser lets any page connect anywhere, and says only which page it is. */
function assertOrigin({ headers }: HttpRequest, isOriginAllowed: (origin: string) => boolean): void {
  const origin = headerOf(headers, "origin");
  if (origin === undefined || isOriginAllowed(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === headerOf(headers, "host")?.toLowerCase()) return;
  throw originNotAllowed();
}
