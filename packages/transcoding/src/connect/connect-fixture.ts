import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import * as grpc from "@tenon/grpc";
import { implementPart } from "@tenon/testing";
import { afterAll } from "vitest";
import { toNodeListener } from "../node-listener.ts";
import { createTranscoder } from "../transcoder.ts";
import { withConnect } from "./with-connect.ts";

/** The last call that came to the backend, and its status once it has one. */
let last: grpc.Call | undefined;
export const lastCall = () => last;
export const statusOf = () => last?.status?.code;
export const forget = () => {
  last = undefined;
};

const hold = Promise.withResolvers<void>();
export const service = greeterv1.GreetingService;
const backend = grpc.createServer({
  services: [
    implementPart(service, {
      async greet({ name }, call) {
        last = call;
        call.responseHeaders.set("x-place", "here");
        call.responseHeaders.set("x-key-bin", Buffer.from([1, 2, 3]));
        call.trailers.set("x-end", "there");
        if (name === "held") await hold.promise;
        if (name === "bug") throw new Error("password=hunter2");
        if (name !== "") return { message: `Hello ${name}` };
        throw new StatusError("INVALID_ARGUMENT", "name is required", {
          reason: "NAME_REQUIRED",
          violations: [{ field: "name", description: "is required" }],
        });
      },
      async *listGreetings({ names }, call) {
        last = call;
        for (const name of names) {
          if (name === "fail") throw new StatusError("ABORTED", "half way", { reason: "HALF_WAY" });
          if (name === "held") await hold.promise;
          yield { message: `Hello ${name}` };
        }
        call.trailers.set("x-end", "there");
      },
      async recordGreetings(requests, call) {
        last = call;
        let count = 0;
        for await (const _ of requests) count += 1;
        return { count };
      },
      async *chatGreetings() {},
    }),
  ],
});
const backendClient = grpc.createClient(service, { target: backend });
const backends = [{ service, client: backendClient as unknown as grpc.Client<typeof service> }] as never;
const transcoder = createTranscoder({ backends, maxBodyBytes: 10_000, bodyTimeoutMs: 1000 });
const http = createHttpServer(toNodeListener(withConnect(transcoder))).listen(0, "127.0.0.1");
await once(http, "listening");
/** A greeter behind a port that speaks Connect and gRPC-Web: "held" is never greeted. */
export const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
afterAll(async () => {
  hold.resolve();
  http.closeAllConnections();
  http.close();
  backendClient.close();
  await backend.close({ graceMs: 0 });
});
