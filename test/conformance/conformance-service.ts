import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { fromCodeNumber, StatusError } from "@tenon/errors";
import { type Call, implement } from "@tenon/grpc";
import { addHeaders, toHeaders } from "./conformance-headers.ts";
import * as conformancev1 from "./gen/connectrpc/conformance/v1/service_pb.ts";

type UnaryDefinition = conformancev1.UnaryResponseDefinition | undefined;
type StreamDefinition = conformancev1.StreamResponseDefinition | undefined;

/** The service that the runner calls: a request defines what is to be answered, and the answer says what was received. */
export const conformanceService = implement(conformancev1.ConformanceService, {
  async unary(request, call) {
    const received = [anyPack(conformancev1.UnaryRequestSchema, request)];
    return { payload: await payloadOf(call, request.responseDefinition, received) };
  },
  async idempotentUnary(request, call) {
    const received = [anyPack(conformancev1.IdempotentUnaryRequestSchema, request)];
    return { payload: await payloadOf(call, request.responseDefinition, received) };
  },
  async clientStream(requests, call) {
    let definition: UnaryDefinition;
    const received: Any[] = [];
    for await (const request of requests) {
      if (received.length === 0) definition = request.responseDefinition;
      received.push(anyPack(conformancev1.ClientStreamRequestSchema, request));
    }
    return { payload: await payloadOf(call, definition, received) };
  },
  async *serverStream(request, call) {
    const definition = request.responseDefinition;
    const received = [anyPack(conformancev1.ServerStreamRequestSchema, request)];
    setMetadata(call, definition);
    for (const [i, data] of (definition?.responseData ?? []).entries()) {
      await delay(definition?.responseDelayMs);
      yield { payload: { data, ...(i === 0 && { requestInfo: requestInfo(call, received) }) } };
    }
    failAfterStream(call, definition, received);
  },
  async *bidiStream(requests, call) {
    let first: conformancev1.BidiStreamRequest | undefined;
    let received: Any[] = [];
    let sent = 0;
    for await (const request of requests) {
      if (first === undefined) setMetadata(call, request.responseDefinition);
      first ??= request;
      received.push(anyPack(conformancev1.BidiStreamRequestSchema, request));
      if (!first.fullDuplex) continue;
      const data = first.responseDefinition?.responseData[sent];
      if (data === undefined) break;
      await delay(first.responseDefinition?.responseDelayMs);
      yield { payload: { data, requestInfo: sent === 0 ? requestInfo(call, received) : { requests: received } } };
      received = [];
      sent += 1;
    }
    const definition = first?.responseDefinition;
    for (const data of definition?.responseData.slice(sent) ?? []) {
      await delay(definition?.responseDelayMs);
      yield { payload: { data, ...(sent === 0 && { requestInfo: requestInfo(call, received) }) } };
      sent += 1;
    }
    failAfterStream(call, definition, received);
  },
  async unimplemented() {
    throw new StatusError("UNIMPLEMENTED", "this method is to be unimplemented");
  },
});

const requestInfo = (call: Call, requests: Any[]): conformancev1.ConformancePayload_RequestInfo =>
  create(conformancev1.ConformancePayload_RequestInfoSchema, {
    requestHeaders: toHeaders(call.requestMetadata),
    requests,
    ...(call.deadline < Number.POSITIVE_INFINITY && { timeoutMs: BigInt(Math.max(0, call.deadline - Date.now())) }),
  });

async function payloadOf(call: Call, definition: UnaryDefinition, received: Any[]) {
  setMetadata(call, definition);
  await delay(definition?.responseDelayMs);
  const { response } = definition ?? {};
  const info = requestInfo(call, received);
  if (response?.case === "error") throw toStatusError(response.value, [info]);
  return { requestInfo: info, ...(response?.case === "responseData" && { data: response.value }) };
}

function setMetadata(call: Call, definition: UnaryDefinition | StreamDefinition): void {
  addHeaders(call.responseHeaders, definition?.responseHeaders ?? []);
  addHeaders(call.trailers, definition?.responseTrailers ?? []);
}

/** Only an error without a message before it has to say what was received. */
function failAfterStream(call: Call, definition: StreamDefinition, received: Any[]): void {
  if (!definition?.error) return;
  const told = definition.responseData.length === 0 ? [requestInfo(call, received)] : [];
  throw toStatusError(definition.error, told);
}

function toStatusError(error: conformancev1.Error, infos: conformancev1.ConformancePayload_RequestInfo[]): StatusError {
  const packed = infos.map((info) => anyPack(conformancev1.ConformancePayload_RequestInfoSchema, info));
  return new StatusError(fromCodeNumber(error.code), error.message ?? "", { details: [...error.details, ...packed] });
}
