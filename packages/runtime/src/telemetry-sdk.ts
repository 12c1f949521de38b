import { DiagLogLevel, diag } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { StopTelemetry, TelemetryOptions } from "./telemetry.ts";

/** Loaded only where telemetry is asked for: the SDK takes a quarter of a second and 30 MB. */
export function createSdk({ name, logger }: TelemetryOptions): StopTelemetry {
  const sdk = new NodeSDK({
    serviceName: name,
    // Spans and metrics are made by our own interceptors; log lines go to standard output.
    instrumentations: [],
    logRecordProcessors: [],
  });
  const tell = (level: "warn" | "error") => (message: string) => logger[level]({ component: "telemetry" }, message);
  const silent = () => {};
  diag.setLogger(
    { error: tell("error"), warn: tell("warn"), info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  sdk.start();
  return () => sdk.shutdown();
}
