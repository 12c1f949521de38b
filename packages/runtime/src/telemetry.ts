import { bool, EnvError, makeValidator, readConfig, str, url } from "@tenon/config";
import type { Logger } from "@tenon/logger";

/** What the SDK is asked for by name: of a name that it does not know it would speak in the log, and send nothing. */
const exporters = makeValidator<string>((input) => {
  if (input.split(",").every((name) => EXPORTERS.has(name.trim()))) return input;
  throw new EnvError("expected otlp, console or none");
});
const EXPORTERS: ReadonlySet<string> = new Set(["otlp", "console", "none"]);

/**
 * What switches telemetry on. All further variables of OpenTelemetry (protocol, headers, sampler, resource) are the SDK's
 * own, by https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export const telemetryConfig = {
  OTEL_SDK_DISABLED: bool({ default: false, desc: "true sends no telemetry, whatever else is set" }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url({ default: undefined, desc: "collector that gets traces and metrics by OTLP" }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url({ default: undefined, desc: "another one for traces, with its path" }),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: url({ default: undefined, desc: "another one for metrics, with its path" }),
  OTEL_TRACES_EXPORTER: exporters({ default: undefined, desc: "otlp, console or none; by default otlp" }),
  OTEL_METRICS_EXPORTER: exporters({ default: undefined, desc: "otlp, console or none; by default otlp" }),
  OTEL_SERVICE_NAME: str({ default: undefined, desc: "what telemetry is sent as; by default the process's own name" }),
};

/** Throws a ConfigError. */
export const readTelemetryConfig = () => readConfig(telemetryConfig);

export interface TelemetryOptions {
  /** `service.name` of all that is sent, where OTEL_SERVICE_NAME names no other. */
  name: string;
  logger: Logger;
}

/** Sends what has not been sent, and stops. */
export type StopTelemetry = () => Promise<void>;

/**
 * Registers OpenTelemetry's SDK for this process, as the OTEL_* variables say. Where none of them asks for it nothing is
 * loaded and nothing costs time in a call. What cannot be delivered is dropped after the SDK's own retries and told in
 * the log; the process does not depend on it. Throws a ConfigError for an endpoint that is no URL, and an exporter that there is not.
 */
export async function startTelemetry({ name, logger }: TelemetryOptions): Promise<StopTelemetry> {
  const { OTEL_SDK_DISABLED, OTEL_SERVICE_NAME, ...asked } = readTelemetryConfig();
  if (OTEL_SDK_DISABLED || !Object.values(asked).some((value) => value !== undefined && value !== "none"))
    return async () => {};
  const { createSdk } = await import("./telemetry-sdk.ts");
  return createSdk({ name: OTEL_SERVICE_NAME ?? name, logger });
}
