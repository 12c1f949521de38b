import assert from "node:assert/strict";
import { type Client, createMetadata, type Metadata } from "@tenon/grpc";
import type { TestService, UnimplementedService } from "./gen/interop_pb.ts";
import { ECHO_INITIAL, ECHO_TRAILING } from "./interop-service.ts";

export interface InteropClients {
  test: Client<typeof TestService>;
  unimplemented: Client<typeof UnimplementedService>;
}

const REQUEST_SIZES = [27_182, 8, 1828, 45_904];
const RESPONSE_SIZES = [31_415, 9, 2653, 58_979];
const payload = (size: number) => ({ body: new Uint8Array(size) });
const failsWith = (code: string, message?: string) => (error: Error & { code?: string }) =>
  error.code === code && (message === undefined || error.message === message);

const UNKNOWN = { code: 2, message: "test status message" };
const SPECIAL = { code: 2, message: "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n" };

/** What an interoperability client asks of a server, under the names that all implementations give it. */
export const CASES: Readonly<Record<string, (clients: InteropClients) => Promise<void>>> = {
  async empty_unary({ test }) {
    await test.emptyCall({});
  },
  async large_unary({ test }) {
    const answer = await test.unaryCall({ responseSize: 314_159, payload: payload(271_828) });
    assert.equal(answer.payload?.body.length, 314_159);
  },
  async client_streaming({ test }) {
    const { aggregatedPayloadSize } = await test.streamingInputCall(
      REQUEST_SIZES.map((size) => ({ payload: payload(size) })),
    );
    assert.equal(aggregatedPayloadSize, 74_922);
  },
  async server_streaming({ test }) {
    const responses = test.streamingOutputCall({ responseParameters: RESPONSE_SIZES.map((size) => ({ size })) });
    assert.deepEqual(await sizesOf(responses), RESPONSE_SIZES);
  },
  async ping_pong({ test }) {
    let answered = Promise.withResolvers<void>();
    async function* requests() {
      for (const [i, size] of REQUEST_SIZES.entries()) {
        yield { payload: payload(size), responseParameters: [{ size: RESPONSE_SIZES[i] as number }] };
        await answered.promise;
      }
    }
    const sizes: (number | undefined)[] = [];
    for await (const response of test.fullDuplexCall(requests())) {
      sizes.push(response.payload?.body.length);
      answered.resolve();
      answered = Promise.withResolvers();
    }
    assert.deepEqual(sizes, RESPONSE_SIZES);
  },
  async empty_stream({ test }) {
    assert.deepEqual(await sizesOf(test.fullDuplexCall([])), []);
  },
  async timeout_on_sleeping_server({ test }) {
    const request = { payload: payload(27_182), responseParameters: [{ size: 1, intervalUs: 1_000_000 }] };
    await assert.rejects(sizesOf(test.fullDuplexCall([request], { timeoutMs: 1 })), failsWith("DEADLINE_EXCEEDED"));
  },
  async cancel_after_begin({ test }) {
    const leave = new AbortController();
    const never = new Promise<never>(() => {});
    // biome-ignore lint/correctness/useYield: a stream of requests that sends none
    const requests = (async function* (): AsyncGenerator<object> {
      await never;
    })();
    const answer = test.streamingInputCall(requests, { signal: leave.signal });
    setTimeout(() => leave.abort(), 20);
    await assert.rejects(answer, failsWith("CANCELLED"));
  },
  async cancel_after_first_response({ test }) {
    const leave = new AbortController();
    const request = { payload: payload(27_182), responseParameters: [{ size: 31_415 }] };
    async function* requests() {
      yield request;
      await new Promise<never>(() => {});
    }
    const reading = async () => {
      for await (const _ of test.fullDuplexCall(requests(), { signal: leave.signal })) leave.abort();
    };
    await assert.rejects(reading(), failsWith("CANCELLED"));
  },
  async custom_metadata({ test }) {
    for (const call of [
      (options: object) => test.unaryCall({ responseSize: 1, payload: payload(1) }, options),
      (options: object) =>
        sizesOf(test.fullDuplexCall([{ responseParameters: [{ size: 1 }], payload: payload(1) }], options)),
    ]) {
      const seen: { headers?: Metadata; trailers?: Metadata } = {};
      const trailing = Buffer.from("0a0b0a0b0a0b", "hex");
      await call({
        metadata: createMetadata({ [ECHO_INITIAL]: "test_initial_metadata_value", [ECHO_TRAILING]: trailing }),
        onHeaders: (headers: Metadata) => Object.assign(seen, { headers }),
        onTrailers: (trailers: Metadata) => Object.assign(seen, { trailers }),
      });
      assert.deepEqual(seen.headers?.get(ECHO_INITIAL), ["test_initial_metadata_value"]);
      assert.deepEqual(seen.trailers?.get(ECHO_TRAILING), [trailing]);
    }
  },
  async status_code_and_message({ test }) {
    await assert.rejects(test.unaryCall({ responseStatus: UNKNOWN }), failsWith("UNKNOWN", UNKNOWN.message));
    const stream = test.fullDuplexCall([{ responseStatus: UNKNOWN }]);
    await assert.rejects(sizesOf(stream), failsWith("UNKNOWN", UNKNOWN.message));
  },
  async special_status_message({ test }) {
    await assert.rejects(test.unaryCall({ responseStatus: SPECIAL }), failsWith("UNKNOWN", SPECIAL.message));
  },
  async unimplemented_method({ test }) {
    await assert.rejects(test.unimplementedCall({}), failsWith("UNIMPLEMENTED"));
  },
  async unimplemented_service({ unimplemented }) {
    await assert.rejects(unimplemented.unimplementedCall({}), failsWith("UNIMPLEMENTED"));
  },
};

async function sizesOf(responses: AsyncIterable<{ payload?: { body: Uint8Array } | undefined }>): Promise<number[]> {
  const sizes: number[] = [];
  for await (const response of responses) sizes.push(response.payload?.body.length ?? 0);
  return sizes;
}
