import { type ClientTls, createHealthClient, type Renewable } from "@tenon/grpc";
import type { Check } from "@tenon/runtime";
import type { GatewayConfig } from "./config.ts";
import { GATEWAY_SERVICES } from "./gateway-services.ts";

/** The services behind the gateway. */
export interface BackendHealth {
  /** By their names. One that is NOT_SERVING or does not answer fails. */
  readonly checks: Readonly<Record<string, Check>>;
  close(): void;
}

/** Asks each service for its health, at the address that is configured. */
export function createBackendHealth(config: GatewayConfig, tls?: Renewable<ClientTls>): BackendHealth {
  const targets = [...new Set(GATEWAY_SERVICES.map(({ target }) => target))];
  const clients = targets.map((target) => {
    return [target.replace("_TARGET", "").toLowerCase(), createHealthClient({ target: config[target], tls })] as const;
  });
  const checks = clients.map(([name, client]) => {
    const check = async (signal: AbortSignal) => {
      if (!(await client.check("", { signal }))) throw new Error("it is NOT_SERVING");
    };
    return [name, check] as const;
  });
  return {
    checks: Object.fromEntries(checks),
    close() {
      for (const [, client] of clients) client.close();
    },
  };
}
