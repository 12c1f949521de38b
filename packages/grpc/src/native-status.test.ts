import * as grpc from "@grpc/grpc-js";
import { StatusError } from "@tenon/errors";
import { expect, onTestFinished, test } from "vitest";
import type { Interceptor } from "./call.ts";
import { fromWireStatus } from "./status.ts";
import { toClientInterceptor } from "./to-client-interceptor.ts";
import { toServerInterceptor } from "./to-server-interceptor.ts";

// How calls of an application on grpc-js end where its own statuses and ours meet.

const ECHO: grpc.MethodDefinition<string, string> = {
  path: "/plain.Echo/Call",
  requestStream: false,
  responseStream: false,
  requestSerialize: Buffer.from,
  requestDeserialize: String,
  responseSerialize: Buffer.from,
  responseDeserialize: String,
};

/** Calls a handler that answers with these trailers; resolves with the error, if there is one. */
async function call({
  trailers,
  client = [],
  server = [],
  onError = () => {},
}: CallSetup): Promise<grpc.ServiceError | null> {
  const serving = new grpc.Server({ interceptors: [toServerInterceptor(server, { onError })] });
  const handler: grpc.handleUnaryCall<string, string> = ({ request }, answer) => answer(null, request, trailers);
  serving.addService({ call: ECHO }, { call: handler });
  const port = await new Promise<number>((resolve, reject) =>
    serving.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => serving.forceShutdown());
  const calling = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    interceptors: [toClientInterceptor(client)],
  });
  onTestFinished(() => calling.close());
  const { path, requestSerialize, responseDeserialize } = ECHO;
  const options = { deadline: Date.now() + 10_000 };
  return new Promise((resolve) =>
    calling.makeUnaryRequest(path, requestSerialize, responseDeserialize, "hello", options, resolve),
  );
}

interface CallSetup {
  trailers?: grpc.Metadata;
  client?: Interceptor[];
  server?: Interceptor[];
  onError?: (error: unknown) => void;
}

test("a caller is shown the details of what its own interceptor refuses", async () => {
  const refusing: Interceptor = () => ({
    onStart() {
      throw new StatusError("UNAVAILABLE", "not now", { reason: "CIRCUIT_OPEN", retryDelayMs: 250 });
    },
  });
  const error = (await call({ client: [refusing] })) as grpc.ServiceError;
  expect(fromWireStatus(error)).toMatchObject({ code: "UNAVAILABLE", reason: "CIRCUIT_OPEN", retryDelayMs: 250 });
});

test("trailers that a handler may not send do not keep its call from ending", async () => {
  const trailers = new grpc.Metadata();
  trailers.set("connection", "close");
  const ends: string[] = [];
  const reported: unknown[] = [];
  const noting: Interceptor = () => ({ onEnd: ({ code }) => void ends.push(code) });
  expect(await call({ trailers, server: [noting], onError: (error) => void reported.push(error) })).toBeNull();
  expect(ends).toEqual(["OK"]);
  expect(reported).toEqual([new Error('metadata key "connection" is reserved')]);
});
