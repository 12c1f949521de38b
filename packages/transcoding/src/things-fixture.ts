import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { StatusError } from "@tenon/errors";
import { type Call, type Client, createClient, createServer, implement, type Server } from "@tenon/grpc";

const root = join(import.meta.dirname, "../../..");

/** The contracts in fixture as a workspace of buf's. */
export const FIXTURE_CONFIG = JSON.stringify({
  version: "v2",
  modules: ["packages/transcoding/src/fixture", ".proto"].map((path) => ({ path })),
});

/** The service of fixture/things/v1/things.proto. */
export const compileThings = (): DescService => compileFixture("things.v1.ThingService");

/** A service of the contracts in fixture, which are compiled when a test asks for one. */
export function compileFixture(typeName: string): DescService {
  const image = execFileSync("buf", ["build", "--as-file-descriptor-set", "-o", "-", "--config", FIXTURE_CONFIG], {
    cwd: root,
    timeout: 20_000,
  });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  return registry.getService(typeName) as DescService;
}

/** What the tests let the backend do; a promise that is awaited in it holds it. */
export interface ThingsBackend {
  readonly service: DescService;
  readonly client: Client<DescService>;
  readonly server: Server;
  /** The last call that came, whatever it asked for. */
  lastCall(): Call | undefined;
  /** How many messages of the watch were asked for. */
  watched(): number;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the contract is compiled while the test runs, so that nothing has a type
type AnyRequest = any;

export interface ThingsOptions {
  service: DescService;
  /** What Watch sends; by default versions up to 3. */
  watch?: (request: AnyRequest, call: Call) => AsyncIterable<object>;
  /** Sees each request of Record when it comes. */
  record?: (request: AnyRequest) => void;
  /** What Chat answers; by default each request. */
  chat?: (requests: AsyncIterable<AnyRequest>, call: Call) => AsyncIterable<object>;
}

/** A server of things in this process: Search and Echo answer with the request as it arrived. */
export function createThings(options: ThingsOptions): ThingsBackend {
  const { service, watch = threeVersions, record = () => {}, chat = (requests) => requests } = options;
  let last: Call | undefined;
  let watched = 0;
  const echo = async (request: AnyRequest) => request;
  const server = createServer({
    services: [
      implement(service, {
        getThing: async ({ name }: AnyRequest) => ({
          thing: name === "things/none" ? undefined : (THINGS[name] ?? { name }),
        }),
        listTags: async ({ name }: AnyRequest) => ({ tags: name === "things/bare" ? [] : ["a", "b"] }),
        search: async (request: AnyRequest, call: Call) => {
          call.responseHeaders.set("x-place", "here");
          call.trailers.set("x-end", "there");
          return request;
        },
        echo,
        echoInside: echo,
        async updateThing(request: AnyRequest) {
          const { name, etag } = request.thing ?? {};
          if (name !== "things/tagged" || etag === "7") return request;
          throw new StatusError("ABORTED", "it has changed since", { reason: "ETAG_MISMATCH" });
        },
        readFile: echo,
        putPicture: echo,
        reflect: echo,
        getPicture: async ({ name }: AnyRequest) => PICTURES[name],
        async *export({ name }: AnyRequest) {
          if (name === "things/none") throw new StatusError("NOT_FOUND", "no such thing", { reason: "NONE" });
          yield { contentType: "text/csv", data: Buffer.from("a,b\n") };
          if (name === "things/half") throw new StatusError("ABORTED", "half way");
          yield { data: Buffer.from("1,2\n") };
        },
        async import(requests: AsyncIterable<AnyRequest>) {
          const imported = { contentType: "", size: 0n, parts: 0 };
          for await (const { contentType, data } of requests) {
            imported.contentType ||= contentType;
            imported.size += BigInt(data.byteLength);
            imported.parts += 1;
          }
          return imported;
        },
        fail,
        async *watch(request: AnyRequest, call: Call) {
          for await (const message of watch(request, call)) {
            watched += 1;
            yield message;
          }
        },
        async record(requests: AsyncIterable<AnyRequest>) {
          const words: string[] = [];
          for await (const request of requests) {
            record(request);
            words.push(request.text);
          }
          return { words };
        },
        chat,
      } as never),
    ],
    interceptors: [
      (call) => ({
        onStart() {
          last = call;
        },
      }),
    ],
  });
  const client = createClient(service, { target: server });
  return {
    service,
    client,
    server,
    lastCall: () => last,
    watched: () => watched,
    async close() {
      client.close();
      await server.close({ graceMs: 0 });
    },
  };
}

const THINGS: Readonly<Record<string, object | undefined>> = {
  "things/tagged": { name: "things/tagged", etag: "7" },
  "things/oddly": { name: "things/oddly", etag: 'a"b' },
};

const PICTURES: Readonly<Record<string, object>> = {
  "things/1": { contentType: "image/png", data: Buffer.from([0x89, 0, 255]) },
  "things/2": { contentType: "text/html\r\nx-evil: 1", data: Buffer.from("<b>") },
  "things/3": {},
};

async function* threeVersions({ name, afterVersion }: AnyRequest) {
  for (let version = 1n; version <= 3n; version++) {
    if (version > afterVersion) yield { thing: { name, version } };
  }
}

async function fail({ text }: AnyRequest): Promise<never> {
  if (text === "bug") throw new Error("password=hunter2 at 10.0.0.7");
  const [code, reason] = text.split("-");
  throw new StatusError(code, `it is ${code}`, {
    ...(reason && { reason }),
    ...(code === "RESOURCE_EXHAUSTED" && { retryDelayMs: 1500 }),
    ...(code === "INVALID_ARGUMENT" && { violations: [{ field: "text", description: "is bad" }] }),
  });
}
