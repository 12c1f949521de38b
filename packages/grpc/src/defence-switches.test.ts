import { once } from "node:events";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import type { Code } from "@tenon/errors";
import { documentedPart, implementPart, toMarkdownTable } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./client.ts";
import { CLIENT_DEFENCES, type ClientDefence, SERVER_DEFENCES, type ServerDefence } from "./defences.ts";
import { connectRaw, frame, john, RECORD, sendTwoTokens } from "./raw-client-fixture.ts";
import { createServer } from "./server.ts";

// Each defence on, and off: then grpc-js's own fault is back. Where it is not, grpc-js has been mended, and the defence can go.

type Rig = Awaited<ReturnType<typeof startServer>>;

async function startServer(withoutDefences: readonly ServerDefence[]) {
  const codes: Code[] = [];
  let completeUploads = 0;
  const server = createServer({
    withoutDefences,
    interceptors: [() => ({ onEnd: ({ code }) => void codes.push(code) })],
    services: [
      implementPart(greeterv1.GreetingService, {
        greet: async () => ({}),
        async *listGreetings() {},
        async recordGreetings(requests) {
          for await (const _ of requests);
          completeUploads += 1;
          return {};
        },
        async *chatGreetings() {},
      }),
    ],
  });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  const client = await connectRaw(port);
  onTestFinished(async () => {
    client.session.destroy();
    await server.close({ graceMs: 0 });
  });
  const status = async (headers: Record<string, string>, body = john) => {
    const answer = await client.send(headers, body).catch((error) => error);
    return answer["grpc-status"] ?? answer[":status"] ?? answer.code;
  };
  return { port, client, status, codes, completeUploads: () => completeUploads };
}

/** What comes of a call that only grpc-js itself gets wrong: with the defence, and without. */
const SERVER: Record<ServerDefence, { probe: (rig: Rig) => unknown; on: unknown; off: unknown }> = {
  resetLimits: {
    async probe({ client, status }) {
      await client.resetCalls(1500); // HTTP/2 takes 1,000 and 33 a second
      return status({});
    },
    on: "0",
    off: expect.stringMatching(/^ERR_HTTP2_/),
  },
  unknownMethods: {
    probe: async ({ status, codes }) => [await status({ ":path": "/no.such/Method" }), [...codes]],
    on: ["12", ["UNIMPLEMENTED"]],
    off: ["12", []],
  },
  contentType: { probe: ({ status }) => status({ "content-type": "application/grpc+foo" }), on: 415, off: "0" },
  metadataLimit: { probe: ({ status }) => status({ "x-large": "a".repeat(17 * 1024) }), on: "8", off: "0" },
  repeatedAuthorization: {
    async probe({ port, codes }) {
      const close = await sendTwoTokens(port);
      await expect.poll(() => codes, { timeout: 5000 }).toHaveLength(1);
      close();
      return codes;
    },
    on: ["UNAUTHENTICATED"],
    off: ["OK"],
  },
  unknownEncoding: { probe: ({ status }) => status({ "grpc-encoding": "snappy" }), on: "12", off: "0" },
  timeouts: {
    probe: async ({ status }) => [
      await status({ "grpc-timeout": "-1S" }),
      await status({ "grpc-timeout": "2147484S" }),
    ],
    on: ["13", "0"],
    off: ["0", "4"],
  },
  brokenFrames: {
    async probe({ status, completeUploads }) {
      const broken = Buffer.concat([john, john.subarray(0, 7)]);
      return [await status({ ":path": RECORD }, broken), completeUploads()];
    },
    on: ["13", 0],
    off: ["0", 1],
  },
  cancelledUploads: {
    async probe({ client, codes, completeUploads }) {
      for (let n = 0; n < 20; n++) await client.cancelUpload();
      await expect.poll(() => codes, { timeout: 5000 }).toHaveLength(20);
      return completeUploads() > 0;
    },
    on: false,
    off: true,
  },
};

for (const [name, { probe, on, off }] of Object.entries(SERVER)) {
  test(`${name} of a server: switched off, grpc-js's fault is back, and it alone`, async () => {
    expect(await probe(await startServer([]))).toEqual(on);
    expect(await probe(await startServer([name as ServerDefence]))).toEqual(off);
    const others = Object.keys(SERVER).filter((other) => other !== name) as ServerDefence[];
    expect(await probe(await startServer(others))).toEqual(on);
  });
}

/** A client that takes its time, on a server that sends these bytes and this status at once. */
async function readFrom(answer: Buffer, status: string, withoutDefences: readonly ClientDefence[]) {
  const server = createHttp2Server().on("stream", (stream) => {
    stream.on("error", () => {}).resume();
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
    stream.end(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient(greeterv1.GreetingService, { target, withoutDefences });
  onTestFinished(() => {
    client.close();
    server.close();
  });
  return {
    async stream() {
      let messages = 0;
      try {
        for await (const _ of client.listGreetings({}, { timeoutMs: 5000 })) {
          messages += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
        return [messages, "OK"];
      } catch (error) {
        return [messages, (error as { code: Code }).code];
      }
    },
    unary: () =>
      client.greet({}, { timeoutMs: 500 }).then(
        () => "OK",
        ({ code }) => code,
      ),
  };
}

const response = frame(
  toBinary(greeterv1.GreetResponseSchema, create(greeterv1.GreetResponseSchema, { message: "hello" })),
);
const SIXTY = Buffer.concat(Array.from({ length: 60 }, () => response));

const CLIENT: Record<
  ClientDefence,
  { probe: (without: readonly ClientDefence[]) => unknown; on: unknown; off: unknown }
> = {
  unreadMessages: {
    async probe(without) {
      const [messages, code] = await (await readFrom(SIXTY, "5", without)).stream();
      return [messages === 60, code];
    },
    on: [true, "NOT_FOUND"],
    off: [false, "NOT_FOUND"],
  },
  brokenResponses: {
    async probe(without) {
      const [, code] = await (await readFrom(SIXTY.subarray(0, -2), "0", without)).stream();
      return code;
    },
    on: "INTERNAL",
    off: "OK",
  },
  secondMessage: {
    probe: async (without) => (await readFrom(SIXTY, "0", without)).unary(),
    on: "UNIMPLEMENTED",
    off: "DEADLINE_EXCEEDED",
  },
};

for (const [name, { probe, on, off }] of Object.entries(CLIENT)) {
  test(`${name} of a client: switched off, grpc-js's fault is back, and it alone`, async () => {
    expect(await probe([])).toEqual(on);
    expect(await probe([name as ClientDefence])).toEqual(off);
    expect(await probe(Object.keys(CLIENT).filter((other) => other !== name) as ClientDefence[])).toEqual(on);
  });
}

test("a defence that there is not is refused by name", () => {
  const withoutDefences = ["resetLimit" as never];
  expect(() => createServer({ services: [], withoutDefences })).toThrow(
    'withoutDefences names "resetLimit"; there are',
  );
  const target = "127.0.0.1:1";
  expect(() => createClient(greeterv1.GreetingService, { target, withoutDefences })).toThrow("withoutDefences names");
});

test("the README tells them all, and why", () => {
  const rows = Object.entries({ ...SERVER_DEFENCES, ...CLIENT_DEFENCES }).map(([name, reason]) => [
    `\`${name}\``,
    name in SERVER_DEFENCES ? "server" : "client",
    reason,
  ]);
  const told = documentedPart(new URL("../README.md", import.meta.url), "defences");
  expect(told).toBe(toMarkdownTable(["defence", "of a", "what grpc-js does without it"], rows));
});
