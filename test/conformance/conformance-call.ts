import { setTimeout as delay } from "node:timers/promises";
import { create, type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { StatusError, toCodeNumber } from "@tenon/errors";
import { type CallOptions, type Client, createClient, createMetadata } from "@tenon/grpc";
import { addHeaders, toHeaders } from "./conformance-headers.ts";
import * as client from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import * as config from "./gen/connectrpc/conformance/v1/config_pb.ts";
import * as service from "./gen/connectrpc/conformance/v1/service_pb.ts";

type Response = Message & { payload?: service.ConformancePayload };
type Call = (request: unknown, options: CallOptions) => Promise<Response> | AsyncIterable<Response>;

/** Makes the call that the runner asks for, and says how it went. Rejects where it cannot even be made. */
export async function conformanceCall(request: client.ClientCompatRequest): Promise<client.ClientResponseResult> {
  const method = service.ConformanceService.methods.find(({ name }) => name === request.method);
  if (method === undefined) throw new Error(`there is no method ${request.service}/${request.method}`);
  const call = clientFor(request)[method.localName as "unary"] as unknown as Call;
  const controller = new AbortController();
  const result = create(client.ClientResponseResultSchema);
  const plan = createPlan(request, method, controller);
  const options: CallOptions = {
    signal: controller.signal,
    timeoutMs: request.timeoutMs,
    metadata: createMetadata(),
    onHeaders: (headers) => {
      result.responseHeaders = toHeaders(headers);
    },
    onTrailers: (trailers) => {
      result.responseTrailers = toHeaders(trailers).filter(({ name }) => name !== "grpc-status-details-bin");
    },
  };
  addHeaders(options.metadata as NonNullable<CallOptions["metadata"]>, request.requestHeaders);
  try {
    const responses = call(plan.request, options);
    plan.started();
    for await (const { payload } of Symbol.asyncIterator in responses ? responses : once(responses)) {
      result.payloads.push(payload ?? create(service.ConformancePayloadSchema));
      plan.received(result.payloads.length);
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    result.error = toError(error);
  }
  result.numUnsentRequests = plan.unsent();
  return result;
}

async function* once(response: Promise<Response>): AsyncGenerator<Response> {
  yield await response;
}

const clients = new Map<string, Client<typeof service.ConformanceService>>();

/** One client for all calls that reach the same server in the same way. */
function clientFor(request: client.ClientCompatRequest): Client<typeof service.ConformanceService> {
  const { host, port, serverTlsCert, clientTlsCreds, compression, messageReceiveLimit } = request;
  const key = [host, port, clientTlsCreds?.cert, compression, messageReceiveLimit].join();
  let found = clients.get(key);
  if (found === undefined) {
    found = createClient(service.ConformanceService, {
      target: `${host}:${port}`,
      ...(compression === config.Compression.GZIP && { compression: "gzip" }),
      ...(messageReceiveLimit > 0 && { maxReceiveMessageBytes: messageReceiveLimit }),
      ...(serverTlsCert.length > 0 && {
        tls: {
          ca: Buffer.from(serverTlsCert),
          ...(clientTlsCreds && { cert: Buffer.from(clientTlsCreds.cert), key: Buffer.from(clientTlsCreds.key) }),
        },
      }),
    });
    clients.set(key, found);
  }
  return found;
}

/** The request side of a call: what is sent when, and when it is cancelled. */
function createPlan(request: client.ClientCompatRequest, method: DescMethod, controller: AbortController) {
  const messages = request.requestMessages.map(({ value }) => fromBinary(method.input, value));
  const streams = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const inTurns = request.streamType === config.StreamType.FULL_DUPLEX_BIDI_STREAM;
  const timing = request.cancel && (request.cancel.cancelTiming.case ?? "afterCloseSendMs");
  const { value } = request.cancel?.cancelTiming ?? {};
  let taken = 0;
  let next: (() => void) | undefined;
  const sent = () => {
    if (timing === "afterCloseSendMs") setTimeout(() => controller.abort(), Number(value ?? 0));
  };
  async function* requests() {
    for (const message of messages) {
      if (request.requestDelayMs > 0) await delay(request.requestDelayMs);
      const answered = new Promise<void>((resolve) => {
        next = resolve;
      });
      taken += 1;
      yield message;
      if (inTurns) await answered;
    }
    if (timing === "beforeCloseSend") controller.abort();
    sent();
  }
  return {
    request: streams ? requests() : messages[0],
    started() {
      if (!streams) sent();
    },
    received(count: number) {
      next?.();
      if (timing === "afterNumResponses" && count === value) controller.abort();
    },
    unsent: () => (streams ? messages.length - taken : 0),
  };
}

const toError = ({ code, message, details }: StatusError): service.Error =>
  create(service.ErrorSchema, {
    code: toCodeNumber(code) as config.Code,
    message,
    details: details.map((detail) => create(AnySchema, detail)),
  });
