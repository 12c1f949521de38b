import type { Message } from "@bufbuild/protobuf";
import { type Code, StatusError } from "@tenon/errors";
import type { Call, CallHooks, Interceptor, Method } from "@tenon/grpc";
import { createIsoTime, type Logger } from "@tenon/logger";
import { assertOptions } from "../option-range.ts";
import { perMethod } from "../per-method.ts";
import { codeName } from "../telemetry/code-name.ts";
import { methodType } from "../telemetry/method-type.ts";
import { callFacts } from "./call-facts.ts";
import { clientLevel, type Level, serverLevel } from "./log-level.ts";
import { redactedJson } from "./redacted-json.ts";

/** What a line is written of: a call's start, its end, each message. */
export type LogEvent = "start" | "finish" | "payload";

export interface LoggingOptions {
  /** How much a code matters to who answers; see `serverLevel`. */
  serverLevel?: (code: Code) => Level;
  /** How much a code matters to who asked; see `clientLevel`. */
  clientLevel?: (code: Code) => Level;
  /** By default `finish` alone. */
  events?: readonly LogEvent[];
  /** Whether the end of a call of this method with this code is told at all; by default always. */
  decide?: (method: Method, code: Code) => boolean;
  /** A call without streams that took longer is told as a warning at least, marked `grpc.slow`; by default none is slow. */
  slowMs?: number;
  /** The share of calls ended with OK whose end is told, from 0 to 1; by default all. Slow calls are told always. */
  sampleOk?: number;
  /** So many characters of a message's JSON are shown at most; by default 4,096. */
  maxPayloadLength?: number;
  random?: () => number;
}

/**
 * One line a call, at its end, under the field names of go-grpc-middleware, with the request's and the trace's id and
 * who called. `err` is what lies behind a refusal made on purpose (a StatusError with a cause); for what was thrown by
 * mistake see `recovery`. Metadata is never told, and messages only where `payload` asks for them: as JSON, without the
 * fields that their contract marks `debug_redact`; those without a descriptor are not shown.
 */
export function logging(logger: Logger, options: LoggingOptions = {}): Interceptor {
  const { events = ["finish"], slowMs = Number.POSITIVE_INFINITY, sampleOk = 1, maxPayloadLength = 4096 } = options;
  const { decide = () => true, random = Math.random } = options;
  assertOptions("logging", { slowMs: options.slowMs, maxPayloadLength });
  assertOptions("logging", { sampleOk }, { min: 0, max: 1 });
  const levels = { server: options.serverLevel ?? serverLevel, client: options.clientLevel ?? clientLevel };
  const toStartTime = createIsoTime();
  const beginning = (call: Call, startedAt: number) => ({
    "peer.address": call.peer,
    "grpc.start_time": toStartTime(startedAt),
    ...callFacts(call),
  });
  // What all lines of a method have in common becomes text once.
  const loggerOf = {
    server: perMethod((method) => logger.child(methodFacts("server", method))),
    client: perMethod((method) => logger.child(methodFacts("client", method))),
  };
  const [tellsStart, tellsFinish, tellsPayload] = (["start", "finish", "payload"] as const).map((event) =>
    events.includes(event),
  );

  return function logging(call) {
    const { method, side } = call;
    let startedAt = 0;
    let startedMs = 0;
    const hooks: CallHooks = {
      onStart() {
        startedAt = Date.now();
        startedMs = performance.now();
        if (tellsStart) loggerOf[side](method)[levels[side]("OK")](beginning(call, startedAt), "started call");
      },
      onEnd(status) {
        const tookMs = performance.now() - startedMs;
        const slow = tookMs > slowMs && !method.requestStream && !method.responseStream;
        if (!tellsFinish || !decide(method, status.code)) return;
        if (status.code === "OK" && !slow && sampleOk < 1 && random() >= sampleOk) return;
        const { code, message, error } = status;
        const facts = {
          ...beginning(call, startedAt),
          "grpc.code": codeName(code),
          "grpc.error": code === "OK" ? undefined : message,
          err: code !== "OK" && error instanceof StatusError && error.cause !== undefined ? error : undefined,
          "grpc.time_ms": Math.round(tookMs * 1000) / 1000,
          "grpc.slow": slow || undefined,
        };
        const level = levels[side](status.code);
        loggerOf[side](method)[slow && level !== "error" ? "warn" : level](facts, "finished call");
      },
    };
    if (!tellsPayload) return hooks;

    const tellPayload = (what: "request" | "response", deed: "sent" | "received") => (message: unknown) => {
      const content = toContent(method, what, message, maxPayloadLength);
      const facts = { ...beginning(call, startedAt), [`grpc.${what}.content`]: content };
      loggerOf[side](method)[levels[side]("OK")](facts, `${what} ${deed}`);
    };
    const [incoming, outgoing] =
      side === "server" ? (["request", "response"] as const) : (["response", "request"] as const);
    return { ...hooks, onReceive: tellPayload(incoming, "received"), onSend: tellPayload(outgoing, "sent") };
  };
}

const methodFacts = (side: Call["side"], method: Method) => ({
  protocol: "grpc",
  "grpc.component": side,
  "grpc.service": method.service,
  "grpc.method": method.name,
  "grpc.method_type": methodType(method),
});

/** A line about a message must not cost the call, whatever the message is. */
function toContent({ desc }: Method, what: "request" | "response", message: unknown, maxLength: number): unknown {
  if (desc === undefined) return "[not shown: no descriptor]";
  try {
    const json = redactedJson(what === "request" ? desc.input : desc.output, message as Message);
    const text = JSON.stringify(json);
    return text.length <= maxLength ? json : `${text.slice(0, maxLength).toWellFormed()}… (${text.length} characters)`;
  } catch {
    return "[not shown: no JSON of it]";
  }
}
