import { readFile } from "node:fs/promises";
import { StartError } from "@tenon/errors";
import { createClient, type Server } from "@tenon/grpc";
import { standardClient } from "@tenon/interceptors";
import type { Logger } from "@tenon/logger";
import type { HttpRule } from "@tenon/options/google/api";
import { checkProcess, clientLimits, createTlsFiles, type RunningProcess, startProcess } from "@tenon/runtime";
import { readHttpRules } from "@tenon/transcoding";
import { Registry } from "prom-client";
import { createBackendHealth } from "./backend-health.ts";
import type { GatewayConfig } from "./config.ts";
import { gatewayApi } from "./gateway-api.ts";
import { readGatewayPages } from "./gateway-pages.ts";
import { GATEWAY_SERVICES } from "./gateway-services.ts";
import { wireGateway } from "./gateway-wiring.ts";
import type { RequestLimits } from "./request-limits.ts";

export { gatewayApi } from "./gateway-api.ts";
export { GATEWAY_SERVICES } from "./gateway-services.ts";
export { type WireGatewayOptions, wireGateway } from "./gateway-wiring.ts";

export interface StartGatewayOptions {
  config: GatewayConfig;
  logger: Logger;
  /** Servers in this process by their addresses: a target that is one of them is called without a socket. */
  servers?: ReadonlyMap<string, Server>;
}

/** Half a minute at CHECK_INTERVAL's default: where all services are replaced at once, every gateway misses them for a while. */
const PATIENCE = 15;

/**
 * The gateway as a process. /readyz tells the health of each service behind it; it is ready when any of them serves, for one
 * that is down makes its own routes UNAVAILABLE and not those of the others, while one that reaches none for long is of no use
 * to anybody. Who asks is for the services to decide: tokens are passed on as they come.
 */
export async function startGateway({ config, logger, servers }: StartGatewayOptions): Promise<RunningProcess> {
  const registry = new Registry();
  const pages = await readGatewayPages();
  const { rules, body } = await readApi(config.HTTP_RULES_FILE);
  const api = { contentType: "application/json", body };
  const interceptors = standardClient({ logger, registry, ...clientLimits(config) });
  const tls = createTlsFiles({ config, logger, registry });
  const backends = GATEWAY_SERVICES.map(({ service, target }) => ({
    service,
    client: createClient(service, {
      target: servers?.get(config[target]) ?? config[target],
      tls: tls?.client,
      interceptors,
    }),
  }));
  const health = createBackendHealth(config, tls?.client);
  return startProcess({
    name: "gateway",
    config,
    logger,
    registry,
    checks: health.checks,
    needs: "any",
    patience: PATIENCE,
    server: wireGateway({
      backends,
      logger,
      registry,
      origins: config.CORS_ORIGINS,
      files: { ...pages, "/openapi.json": api },
      rates: requestLimitsOf(config),
      transcoding: { rules },
    }),
    async close() {
      tls?.close();
      for (const { client } of backends) client.close();
      health.close();
    },
  });
}

/** For `--check-config`: rejects with the StartError that a start would, of all that can be known without connecting. */
export async function checkGateway(config: GatewayConfig): Promise<void> {
  checkProcess(config);
  await readApi(config.HTTP_RULES_FILE);
}

/** The routes that go before those of the contracts, and the document of all. */
async function readApi(path: string | undefined): Promise<{ rules: HttpRule[]; body: string }> {
  if (path === undefined) return { rules: [], body: JSON.stringify(gatewayApi()) };
  try {
    const rules = readHttpRules(await readFile(path, "utf8"));
    return { rules, body: JSON.stringify(gatewayApi(rules)) };
  } catch (cause) {
    throw new StartError(`HTTP_RULES_FILE: ${(cause as Error).message}`, { cause });
  }
}

const requestLimitsOf = ({ REQUEST_RATE, CREDENTIAL_RATE, TRUSTED_PROXIES }: GatewayConfig): RequestLimits => ({
  requests: { perSecond: REQUEST_RATE, burst: 2 * REQUEST_RATE },
  ...(CREDENTIAL_RATE !== "off" && { credentials: CREDENTIAL_RATE }),
  trustedProxies: TRUSTED_PROXIES,
});
