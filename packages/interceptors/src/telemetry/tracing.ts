import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import {
  type Call,
  type CallHooks,
  type CallStatus,
  type Interceptor,
  type Metadata,
  type Method,
  NO_HOOKS,
} from "@tenon/grpc";
import { clientAddressOf } from "../client-address.ts";
import { perMethod } from "../per-method.ts";
import { createKnown } from "./method-labels.ts";
import { toPeerAddress } from "./peer-address.ts";
import { fullName, isRpcError, methodAttributes, type ServerAddress, statusAttributes } from "./rpc-attributes.ts";
import { spanContextKey } from "./trace-context.ts";

export interface TracingOptions {
  /** What a server serves without a descriptor; spans of other methods are named `grpc`, whatever a stranger asked for. */
  methods?: readonly Method[];
  /** On a client its target, on a server what it is known as: `server.address` and `server.port` of the spans. */
  server?: ServerAddress;
}

/** Attempts before this one, as a retrying channel tells its server (gRFC A6). */
const ATTEMPTS_HEADER = "grpc-previous-rpc-attempts";

/**
 * A span for each call, by OpenTelemetry's conventions for RPC, with whatever SDK and propagators the process has
 * registered; without an SDK it does nothing. A server's span continues the trace of the request and is active for all
 * that runs in the call. A client's belongs to the active span, or to the trace that its metadata names, covers all
 * attempts of the call, and goes along. Neither messages nor metadata are told.
 */
export function tracing({ methods = [], server }: TracingOptions = {}): Interceptor {
  const isKnown = createKnown(methods);
  const spanOf = perMethod((method) => spanOptions(method, isKnown(method), server));
  const clientSpanOf = perMethod((method) => spanOptions(method, true, server));
  return function tracing(call) {
    const tracer = registeredTracer();
    if (tracer === undefined) return NO_HOOKS;
    return call.side === "server"
      ? serverSpan(call, tracer, spanOf(call.method))
      : clientSpan(call, tracer, clientSpanOf(call.method));
  };
}

/** None without an SDK: API and noop tracer would still cost a span's worth of objects. */
function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // What the API gives out before an SDK registers, and wraps around it after.
  if ("getDelegateTracer" in provider) return (provider as Delegating).getDelegateTracer(SCOPE);
  return provider.getTracer(SCOPE);
}
const SCOPE = "@tenon/interceptors";
interface Delegating {
  getDelegateTracer(name: string): Tracer | undefined;
}

const spanOptions = (method: Method, known: boolean, server: ServerAddress | undefined) => ({
  name: known ? fullName(method) : "grpc",
  attributes: {
    ...methodAttributes(method, known, server),
    ...(!known && { "rpc.method_original": fullName(method).slice(0, MAX_ORIGINAL_LENGTH) }),
  },
});
const MAX_ORIGINAL_LENGTH = 200;
type SpanOptions = ReturnType<typeof spanOptions>;

function serverSpan(call: Call, tracer: Tracer, { name, attributes }: SpanOptions): CallHooks {
  let span: Span | undefined;
  let active: Context = ROOT_CONTEXT;
  return {
    onStart() {
      const parent = propagation.extract(ROOT_CONTEXT, call.requestMetadata, METADATA);
      span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
      active = trace.setSpan(parent, span);
      remember(call, span);
      if (!span.isRecording()) return;
      const [attempts] = call.requestMetadata.get(ATTEMPTS_HEADER);
      if (attempts !== undefined) span.setAttribute("previous-rpc-attempts", Number(attempts)); // gRFC A72
    },
    run: (next) => context.with(active, next),
    onEnd: (status) => endSpan(span, call, status),
  };
}

function clientSpan(call: Call, tracer: Tracer, { name, attributes }: SpanOptions): CallHooks {
  let span: Span | undefined;
  return {
    onStart() {
      const current = context.active();
      const parent = trace.getSpan(current) ? current : propagation.extract(current, call.requestMetadata, METADATA);
      span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
      remember(call, span);
      for (const field of propagation.fields()) call.requestMetadata.remove(field);
      propagation.inject(trace.setSpan(parent, span), call.requestMetadata, METADATA);
    },
    onEnd: (status) => endSpan(span, call, status),
  };
}

function remember(call: Call, span: Span): void {
  const spanContext = span.spanContext();
  if (isSpanContextValid(spanContext)) call.values.set(spanContextKey, spanContext);
}

function endSpan(span: Span | undefined, call: Call, { code, message }: CallStatus): void {
  if (span === undefined) return;
  if (span.isRecording()) {
    span.setAttributes({ ...statusAttributes(call.side, code), ...peerAttributes(call) });
    if (isRpcError(call.side, code)) span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}

function peerAttributes(call: Call) {
  const { side, peer } = call;
  const { address, port } = toPeerAddress(peer) ?? {};
  if (address === undefined) return {};
  return {
    "network.peer.address": address,
    ...(port !== undefined && { "network.peer.port": port }),
    ...(side === "server" && { "client.address": clientAddressOf(call) }),
  };
}

const METADATA: TextMapGetter<Metadata> & TextMapSetter<Metadata> = {
  keys: (metadata) => Object.keys(metadata.getMap()),
  get(metadata, key) {
    const values = metadata.get(key).filter((value) => typeof value === "string");
    return values.length > 1 ? values : values[0];
  },
  set: (metadata, key, value) => metadata.set(key, value),
};
