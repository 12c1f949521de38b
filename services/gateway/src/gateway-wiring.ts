import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import type { DrainableServer } from "@tenon/runtime";
import {
  createTranscoder,
  errorResponse,
  type HttpRequest,
  type HttpResponse,
  methodNotAllowed,
  type TranscoderOptions,
} from "@tenon/transcoding";
import type { Registry } from "prom-client";
import { createHttpPort, type HttpPortOptions } from "./http-port.ts";
import { createLiveStreams } from "./live-streams.ts";
import { requestLog } from "./request-log.ts";

export interface WireGatewayOptions extends Omit<HttpPortOptions, "handle" | "endStreams"> {
  backends: readonly { service: DescService; client: Client<DescService> }[];
  logger: Logger;
  registry: Registry;
  /** JSON to be had at a path of its own: `/openapi.json`. */
  documents?: Readonly<Record<string, string>>;
  transcoding?: Omit<TranscoderOptions, "backends">;
}

/** The gateway without its process and clients. */
export function wireGateway(options: WireGatewayOptions): DrainableServer {
  const { backends, logger, registry, transcoding, documents = {}, ...limits } = options;
  const { handle } = createTranscoder({ backends, ...transcoding });
  const streams = createLiveStreams();
  const logged = requestLog({ logger, registry });
  return createHttpPort({
    ...limits,
    handle: logged(safely(streams.tracked(documented(documents, handle)))),
    endStreams: streams.end,
  });
}

type Handle = (request: HttpRequest) => Promise<HttpResponse>;

function documented(documents: Readonly<Record<string, string>>, handle: Handle): Handle {
  return async (request) => {
    const [path = ""] = request.url.split("?", 1);
    const body = Object.hasOwn(documents, path) ? documents[path] : undefined;
    if (body === undefined) return handle(request);
    if (request.method === "GET" || request.method === "HEAD") {
      return { status: 200, headers: { "content-type": "application/json" }, body };
    }
    return errorResponse(methodNotAllowed("GET, HEAD"), { problem: false });
  };
}

/** Answers are for the one who asked, and are what they say they are. */
const safely =
  (handle: Handle): Handle =>
  async (request) => {
    const response = await handle(request);
    const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", ...response.headers };
    return { ...response, headers };
  };
