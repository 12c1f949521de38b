import { setTimeout as sleep } from "node:timers/promises";
import { fromCodeNumber, StatusError } from "@tenon/errors";
import { type Call, implement } from "@tenon/grpc";
import { type EchoStatus, TestService } from "./gen/interop_pb.ts";

export const ECHO_INITIAL = "x-grpc-test-echo-initial";
export const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

/** What every interoperability server answers. */
export const interopService = implement(TestService, {
  emptyCall: async () => ({}),
  async unaryCall({ responseSize, responseStatus }, call) {
    echo(call);
    refuse(responseStatus);
    return { payload: { body: new Uint8Array(responseSize) } };
  },
  async streamingInputCall(requests) {
    let aggregatedPayloadSize = 0;
    for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
    return { aggregatedPayloadSize };
  },
  async *streamingOutputCall({ responseParameters }) {
    for (const each of responseParameters) yield sized(each.size);
  },
  async *fullDuplexCall(requests, call) {
    echo(call);
    for await (const { responseParameters, responseStatus } of requests) {
      refuse(responseStatus);
      for (const { size, intervalUs } of responseParameters) {
        if (intervalUs > 0) await sleep(intervalUs / 1000, undefined, { signal: call.signal });
        yield sized(size);
      }
    }
  },
  async unimplementedCall() {
    throw new StatusError("UNIMPLEMENTED", "of no server");
  },
});

const sized = (size: number) => ({ payload: { body: new Uint8Array(size) } });

function refuse(status: EchoStatus | undefined): void {
  if (status && status.code !== 0) throw new StatusError(fromCodeNumber(status.code), status.message);
}

function echo({ requestMetadata, responseHeaders, trailers }: Call): void {
  for (const value of requestMetadata.get(ECHO_INITIAL)) responseHeaders.set(ECHO_INITIAL, value);
  for (const value of requestMetadata.get(ECHO_TRAILING)) trailers.set(ECHO_TRAILING, value);
}
