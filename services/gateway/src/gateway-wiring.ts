import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@tenon/grpc";
import type { Logger } from "@tenon/logger";
import type { DrainableServer } from "@tenon/runtime";
import { createTranscoder, type HttpRequest, type HttpResponse, type TranscoderOptions } from "@tenon/transcoding";
import type { Registry } from "prom-client";
import { createHttpPort, type HttpPortOptions } from "./http-port.ts";
import { createLiveStreams } from "./live-streams.ts";
import { requestLog } from "./request-log.ts";

export interface WireGatewayOptions extends Omit<HttpPortOptions, "handle" | "endStreams"> {
  backends: readonly { service: DescService; client: Client<DescService> }[];
  logger: Logger;
  registry: Registry;
  transcoding?: Omit<TranscoderOptions, "backends">;
}

/** The gateway without its process and clients. */
export function wireGateway(options: WireGatewayOptions): DrainableServer {
  const { backends, logger, registry, transcoding, ...limits } = options;
  const { handle } = createTranscoder({ backends, ...transcoding });
  const streams = createLiveStreams();
  const logged = requestLog({ logger, registry });
  return createHttpPort({ ...limits, handle: logged(safely(streams.tracked(handle))), endStreams: streams.end });
}

/** Answers are for the one who asked, and are what they say they are. */
const safely =
  (handle: (request: HttpRequest) => Promise<HttpResponse>) =>
  async (request: HttpRequest): Promise<HttpResponse> => {
    const response = await handle(request);
    const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", ...response.headers };
    return { ...response, headers };
  };
