import { createClient } from "@tenon/grpc";
import { standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import { type RunningService, startHttpService } from "@tenon/runtime";
import { Registry } from "prom-client";
import type { GatewayConfig } from "./config.ts";
import { gatewayApi } from "./gateway-api.ts";
import { readGatewayPages } from "./gateway-pages.ts";
import { GATEWAY_SERVICES } from "./gateway-services.ts";
import { wireGateway } from "./gateway-wiring.ts";

export { gatewayApi } from "./gateway-api.ts";
export { GATEWAY_SERVICES } from "./gateway-services.ts";
export { type WireGatewayOptions, wireGateway } from "./gateway-wiring.ts";

export interface StartGatewayOptions {
  config: GatewayConfig;
  logger: Logger;
}

/**
 * The gateway as a process. It is ready when it listens: a service that is down makes its own routes UNAVAILABLE, not
 * those of the others. Who asks is for the services to decide: tokens are passed on as they come.
 */
export async function startGateway({ config, logger }: StartGatewayOptions): Promise<RunningService> {
  const registry = new Registry();
  const pages = await readGatewayPages();
  const api = { contentType: "application/json", body: JSON.stringify(gatewayApi()) };
  const interceptors = standardClient({ logger, registry });
  const backends = GATEWAY_SERVICES.map(({ service, target }) => ({
    service,
    client: createClient(service, { target: config[target], interceptors }),
  }));
  return startHttpService({
    name: "gateway",
    config,
    logger,
    registry,
    server: wireGateway({
      backends,
      logger,
      registry,
      origins: config.CORS_ORIGINS,
      files: { ...pages, "/openapi.json": api },
    }),
    async close() {
      for (const { client } of backends) client.close();
    },
  });
}
