import { createServer as createTcpServer } from "node:net";
import { type ClientReadableStream, credentials, makeClientConstructor } from "@grpc/grpc-js";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Code, fromCodeNumber, type StatusError } from "@tenon/errors";
import { createClient, createHealth, createReflection } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { implementPart } from "@tenon/testing";
import { onTestFinished } from "vitest";
import { createAuth } from "./service-auth.ts";
import { type StartServiceOptions, startService } from "./start-service.ts";

const logger = createLogger({ name: "greeter", level: "silent" });

type Options = Partial<Omit<StartServiceOptions, "config">> & { config?: Partial<StartServiceOptions["config"]> };

/** A greeter on free ports, and what a test asks of it; every call has a deadline. */
export async function start({ config: overrides, ...options }: Options = {}) {
  const config: StartServiceOptions["config"] = {
    HOST: "127.0.0.1",
    PORT: 0,
    ADMIN_PORT: 0,
    LOG_LEVEL: "info",
    SERVICE_KEY_FILE: undefined,
    SERVICE_JWKS_FILE: undefined,
    TLS_CERT_FILE: undefined,
    TLS_KEY_FILE: undefined,
    TLS_CA_FILE: undefined,
    TLS_CLIENT_CERTIFICATE: "required",
    TLS_RELOAD_INTERVAL: 10_000,
    TLS_TRUST_DOMAIN: "tenon",
    HEALTH_PORT: undefined,
    REFLECTION: "public",
    MAX_CONNECTION_AGE: undefined,
    LOAD_SHEDDING: "on",
    MAX_CONCURRENT_CALLS: 1000,
    CREDENTIAL_RATE: { perSecond: 1, burst: 60 },
    WRITE_RATE: "off",
    READ_RATE: "off",
    TRUSTED_PROXIES: [],
    CIRCUIT_BREAKER: "on",
    CHECK_INTERVAL: 5,
    CHECK_TIMEOUT: 1000,
    DRAIN_WAIT: 0,
    DRAIN_GRACE: 5000,
    ...overrides,
  };
  const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const greeter = implementPart(greeterv1.GreetingService, {
    greet: async ({ name }) => {
      if (name === "slow") await new Promise((resolve) => setTimeout(resolve, 5));
      if (name === "held") {
        held.resolve();
        await letGo.promise;
      }
      return { message: `Hello ${name}` };
    },
    async *listGreetings() {},
    recordGreetings: async () => ({ count: 0 }),
    async *chatGreetings(requests) {
      for await (const { name } of requests) yield { message: `Hello ${name}` };
    },
  });
  const auth = createAuth({ config, name: "greeter" });
  const service = await startService({ name: "greeter", config, logger, services: [greeter], auth, ...options });
  const target = `127.0.0.1:${service.port}`;
  const client = createClient(greeterv1.GreetingService, { target });
  onTestFinished(() => {
    client.close();
    return service.close();
  });

  const greetAs = (name: string) => codeOf(client.greet({ name }, { timeoutMs: 5000 }));
  const native = (definition: Parameters<typeof makeClientConstructor>[0]) => {
    // biome-ignore lint/suspicious/noExplicitAny: grpc-js makes the methods of this client at run time.
    const made = new (makeClientConstructor(definition, "Native") as any)(target, credentials.createInsecure());
    onTestFinished(() => made.close());
    return made;
  };
  const health = native(createHealth({ services: [] }).native.definition);
  const deadline = () => ({ deadline: Date.now() + 5000 });

  return {
    service,
    greet: () => greetAs("Ada"),
    slowGreet: () => greetAs("slow"),
    /** A call on a connection of its own. */
    stub: () => {
      const other = createClient(greeterv1.GreetingService, { target });
      return codeOf(other.greet({ name: "Ada" }, { timeoutMs: 5000 })).finally(() => other.close());
    },
    /** A call that is in flight until it is finished. */
    async heldGreet() {
      const ended = greetAs("held");
      await held.promise;
      return {
        ended,
        finish() {
          letGo.resolve();
          return ended;
        },
      };
    },
    /** A stream that is open: greeted once, and without an end of its own. */
    async chat() {
      const requests = async function* () {
        yield { name: "Ada" };
        await new Promise(() => {});
      };
      const greetings = client.chatGreetings(requests(), { timeoutMs: 10_000 })[Symbol.asyncIterator]();
      await greetings.next();
      return { ended: codeOf(greetings.next()) };
    },
    check: (service: string) =>
      new Promise<string>((resolve) =>
        health.Check({ service }, deadline(), (error: { code: number } | null, response: { status: string }) =>
          resolve(error ? fromCodeNumber(error.code) : response.status),
        ),
      ),
    watch(service: string) {
      const stream: ClientReadableStream<{ status: string }> = health.Watch({ service }, deadline());
      const iterator = stream[Symbol.asyncIterator]();
      return {
        next: () =>
          iterator.next().then(
            ({ value, done }) => (done ? "OK" : (value.status as string)),
            ({ code }: { code: number }) => fromCodeNumber(code),
          ),
      };
    },
    admin: (path: string) =>
      fetch(`http://127.0.0.1:${service.adminPort}${path}`, { signal: AbortSignal.timeout(5000) }),
    /** How a reflection stream ends that asks for the services. */
    async reflect(version: string): Promise<string> {
      const { natives } = createReflection({ services: [] });
      const [definition] = natives
        .map((each) => each.definition)
        .filter((each) => Object.values(each)[0]?.path.includes(`.${version}.`));
      const stream = native(definition ?? {}).ServerReflectionInfo(deadline());
      stream.end({ listServices: "" });
      return new Promise((resolve) => {
        stream.on("data", () => {});
        stream.on("error", () => {});
        stream.on("status", ({ code }: { code: number }) => resolve(fromCodeNumber(code)));
      });
    },
  };
}

const codeOf = (call: Promise<unknown>): Promise<Code> =>
  call.then(
    () => "OK",
    (error) => (error as StatusError).code,
  );

/** A port that somebody else listens on until the end of the test. */
export async function takePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}
