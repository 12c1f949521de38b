import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import type { DrainableServer } from "@tenon/runtime";
import {
  createOrigins,
  createTranscoder,
  createWebSockets,
  type HandleRequest,
  type Origins,
  type TranscoderOptions,
  type WebSocketsOptions,
  withCompression,
  withConnect,
  withCors,
} from "@tenon/transcoding";
import type { Registry } from "prom-client";
import { createHttpPort, type HttpPortOptions } from "./http-port.ts";
import { createLiveStreams, drainingError } from "./live-streams.ts";
import { type RequestLimits, requestLimits } from "./request-limits.ts";
import { type RequestLog, requestLog } from "./request-log.ts";
import { beginSpan, requestTracing } from "./request-tracing.ts";
import { withSecurityHeaders } from "./security-headers.ts";
import { type StaticFile, staticFiles } from "./static-files.ts";

export interface WireGatewayOptions extends Omit<HttpPortOptions, "handle" | "webSockets" | "endStreams"> {
  backends: readonly { service: DescService; client: Client<DescService> }[];
  logger: Logger;
  registry: Registry;
  /** To be had at paths of their own: `/openapi.json`, pages. */
  files?: Readonly<Record<string, StaticFile>>;
  /** Which pages of other origins may call; by default none. */
  origins?: Origins;
  /** What one client may ask; by default as much as it likes. */
  rates?: RequestLimits;
  transcoding?: Omit<TranscoderOptions, "backends">;
}

/** The gateway without its process and clients. */
export function wireGateway(options: WireGatewayOptions): DrainableServer {
  const { backends, logger, registry, transcoding, files = {}, ...rest } = options;
  const { rates = {}, origins = createOrigins([]), ...limits } = rest;
  const transcoder = createTranscoder({ backends, ...transcoding });
  const streams = createLiveStreams();
  const { logged, begin } = requestLog({ logger, registry });
  const { limited, admit } = requestLimits({ ...rates, routes: transcoder.routes });
  const observe = observeWith(begin);
  const webSockets = createWebSockets({ transcoder, isOriginAllowed: origins.isAllowed, observe, admit });
  // The first is the outermost.
  const steps: readonly ((handle: HandleRequest) => HandleRequest)[] = [
    requestTracing,
    logged,
    withSecurityHeaders,
    (handle) => withCors(origins, handle),
    (handle) => withCompression(handle),
    limited,
    staticFiles(files),
    streams.tracked,
  ];
  return createHttpPort({
    ...limits,
    handle: steps.reduceRight((handle, step) => step(handle), withConnect(transcoder)),
    webSockets,
    endStreams() {
      streams.end();
      webSockets.end(drainingError());
    },
  });
}

/** What is done with a WebSocket, which has no answer: its span around its line in the log. */
const observeWith =
  (begin: RequestLog["begin"]): NonNullable<WebSocketsOptions["observe"]> =>
  (asked) => {
    const span = beginSpan(asked) ?? { run: <T>(work: () => T) => work(), end() {} };
    const { request, onEnd } = span.run(() => begin(asked));
    return {
      request,
      run: span.run,
      onEnd(end) {
        onEnd(end);
        span.end(end);
      },
    };
  };
