import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  createConnectTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import * as rpcv1 from "@tenon/options/google/rpc";
import { expect, test } from "vitest";
import { until, within } from "../things-port-fixture.ts";
import { baseUrl, forget, lastCall, service, statusOf } from "./connect-fixture.ts";

const compressed = {
  acceptCompression: [compressionGzip, compressionBrotli],
  sendCompression: compressionGzip,
  compressMinBytes: 0,
};
const TRANSPORTS = {
  "Connect with protobuf": createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "Connect with JSON": createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect, compressed": createConnectTransport({ baseUrl, httpVersion: "1.1", ...compressed }),
  "Connect by GET": createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true }),
  "gRPC-Web": createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "gRPC-Web with JSON": createGrpcWebTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "gRPC-Web, compressed": createGrpcWebTransport({ baseUrl, httpVersion: "1.1", ...compressed }),
};

const caught = async (work: Promise<unknown>): Promise<ConnectError> => {
  try {
    await work;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("it did not fail");
};

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  const client = createClient(service, transport);

  test(`${name}: a call, with what its server says beside the message`, async () => {
    let header = new Headers();
    let trailer = new Headers();
    const response = await client.greet(
      { name: "Ada" },
      { signal: within(), onHeader: (given) => (header = given), onTrailer: (given) => (trailer = given) },
    );
    expect(response.message).toBe("Hello Ada");
    expect([header.get("x-place"), header.get("x-key-bin"), trailer.get("x-end")]).toEqual(["here", "AQID", "there"]);
  });

  test(`${name}: metadata goes to the backend, what HTTP says does not`, async () => {
    const headers = {
      authorization: "Bearer t",
      "x-tenant": "blue",
      "x-key-bin": "AQI",
      "x-request-id": "r1",
      cookie: "secret=1",
      "x-forwarded-for": "1.2.3.4",
      origin: "https://app.example",
    };
    await client.greet({ name: "Ada" }, { signal: within(), headers });
    const sent = lastCall()?.requestMetadata.getMap() ?? {};
    expect(sent).toMatchObject({ authorization: "Bearer t", "x-tenant": "blue", "x-request-id": "r1" });
    expect(sent["x-key-bin"]).toEqual(Buffer.from([1, 2]));
    expect(sent["x-forwarded-for"]).toMatch(/^1\.2\.3\.4, (?:::ffff:)?127\.0\.0\.1$/);
    expect(Object.keys(sent).sort()).toEqual(
      expect.not.arrayContaining(["cookie", "origin", "user-agent", "host", "content-type"]),
    );
  });

  test(`${name}: an error keeps its code, message and details`, async () => {
    const error = await caught(client.greet({ name: "" }, { signal: within() }));
    expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, "name is required"]);
    expect(error.findDetails(rpcv1.ErrorInfoSchema)[0]?.reason).toBe("NAME_REQUIRED");
    expect(error.findDetails(rpcv1.BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("name");
    const bug = await caught(client.greet({ name: "bug" }, { signal: within() }));
    expect([bug.code, bug.rawMessage, bug.details]).toEqual([Code.Internal, "internal error", []]);
  });

  test(`${name}: the client's time is the deadline of the call`, async () => {
    const before = Date.now();
    await client.greet({ name: "Ada" }, { timeoutMs: 5000 });
    expect(Math.abs((lastCall()?.deadline ?? 0) - before - 5000)).toBeLessThan(4000);
    const late = await caught(client.greet({ name: "held" }, { timeoutMs: 50 }));
    expect(late.code).toBe(Code.DeadlineExceeded);
  });

  test(`${name}: a client that leaves cancels the call`, async () => {
    const leaving = new AbortController();
    forget();
    const calling = caught(client.greet({ name: "held" }, { signal: leaving.signal }));
    await until(() => lastCall() !== undefined);
    leaving.abort();
    expect((await calling).code).toBe(Code.Canceled);
    await until(() => statusOf() !== undefined);
    expect(statusOf()).toBe("CANCELLED");
  });

  test(`${name}: a stream comes message by message, and is left`, async () => {
    let trailer = new Headers();
    const messages: string[] = [];
    const all = client.listGreetings(
      { names: ["Ada", "Eve"] },
      { signal: within(), onTrailer: (given) => (trailer = given) },
    );
    for await (const { message } of all) messages.push(message);
    expect([messages, trailer.get("x-end")]).toEqual([["Hello Ada", "Hello Eve"], "there"]);
    for await (const { message } of client.listGreetings({ names: ["Ada", "held"] }, { signal: within() })) {
      expect(message).toBe("Hello Ada");
      break;
    }
    await until(() => statusOf() !== undefined);
    expect(statusOf()).toBe("CANCELLED");
  });

  test(`${name}: a stream that fails says so behind its messages`, async () => {
    const messages: string[] = [];
    const error = await caught(
      (async () => {
        for await (const { message } of client.listGreetings({ names: ["Ada", "fail"] }, { signal: within() }))
          messages.push(message);
      })(),
    );
    expect([messages, error.code, error.rawMessage]).toEqual([["Hello Ada"], Code.Aborted, "half way"]);
    expect(error.findDetails(rpcv1.ErrorInfoSchema)[0]?.reason).toBe("HALF_WAY");
  });

  test(`${name}: a stream of requests`, async () => {
    async function* requests() {
      for (const name of ["Ada", "Eve"]) yield { name };
    }
    expect((await client.recordGreetings(requests(), { signal: within() })).count).toBe(2);
  });

  // What a URL can hold is bounded by the server's limit of headers.
  if (transport === TRANSPORTS["Connect by GET"]) continue;
  test(`${name}: a message that is too large is refused, compressed or not`, async () => {
    const error = await caught(client.greet({ name: "x".repeat(20_000) }, { signal: within() }));
    expect(error.code).toBe(Code.ResourceExhausted);
  });
}
