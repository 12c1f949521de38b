import { fileURLToPath } from "node:url";
import { createRegistry } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Interceptor, methodsOf, toServerInterceptor } from "@tenon/grpc";
import { expect, onTestFinished, test } from "vitest";
import { recordLog } from "../greeter-fixture.ts";
import { auth, deadline, recovery, validation } from "../index.ts";

// An application on grpc-js and proto-loader, whose messages are plain objects and whose methods have no descriptor: what
// interceptors read in contracts elsewhere is given to them.

const root = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const loaded = loadSync("greeter/v1/greeting_service.proto", { includeDirs: [root("proto"), root(".proto")] });
const SERVICE = "greeter.v1.GreetingService";
const definition = loaded[SERVICE] as grpc.ServiceDefinition;
const methods = methodsOf([], [{ definition, implementation: {} }]);
const registry = createRegistry(greeterv1.GreetingService);
const everyone = auth({ methods, access: { [SERVICE]: ["public"] } });

async function start(...chain: Interceptor[]) {
  const requests: unknown[] = [];
  const server = new grpc.Server({ interceptors: [toServerInterceptor(chain)] });
  server.addService(definition, {
    greet({ request }: { request: { name: string } }, callback: grpc.sendUnaryData<object>) {
      requests.push(request);
      callback(null, { message: `Hello ${request.name}` });
    },
    recordGreetings(call: grpc.ServerReadableStream<unknown, object>, callback: grpc.sendUnaryData<object>) {
      let count = 0;
      call.on("data", () => (count += 1)).on("error", () => {});
      call.on("end", () => callback(null, { count }));
    },
  } as never);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const package_ = grpc.loadPackageDefinition(loaded as PackageDefinition) as never as {
    greeter: { v1: { GreetingService: grpc.ServiceClientConstructor } };
  };
  const client = new package_.greeter.v1.GreetingService(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  onTestFinished(() => {
    client.close();
    server.forceShutdown();
  });
  const outcome = (resolve: (outcome: unknown) => void) => (error: grpc.ServiceError | null, response: unknown) =>
    resolve(error ? `${error.code} ${error.details}` : response);
  const options = () => ({ deadline: Date.now() + 5000 });
  return {
    requests,
    greet: (name: string) => new Promise((resolve) => client.greet?.({ name }, options(), outcome(resolve))),
    record: (...names: string[]) =>
      new Promise((resolve) => {
        const call = client.recordGreetings?.(options(), outcome(resolve));
        for (const name of names) call.write({ name });
        call.end();
      }),
  };
}

const TOO_LONG = "x".repeat(201);
const REFUSAL = `${grpc.status.INVALID_ARGUMENT} name: must be at most 200 characters`;

test("messages of proto-loader are checked against the rules of a registry, and reach the handler as they are", async () => {
  const { greet, record, requests } = await start(
    everyone,
    validation({ methods, registry, definitions: [definition] }),
  );
  expect(await greet("Ada")).toEqual({ message: "Hello Ada" });
  expect(await greet(TOO_LONG)).toBe(REFUSAL);
  expect(requests).toEqual([{ name: "Ada" }]);
  expect(await record("Ada", "Grace")).toEqual({ count: 2 });
  expect(await record("Ada", TOO_LONG)).toBe(REFUSAL);
});

test("without a list of methods the rules are looked up with the first call", async () => {
  const { greet } = await start(validation({ registry, definitions: [definition] }));
  expect(await greet(TOO_LONG)).toBe(REFUSAL);
});

test("what has neither descriptor nor rules stops the start, by name", () => {
  const path = `/${SERVICE}/Greet`;
  expect(() => validation({ methods })).toThrow(`validation: ${path} has no descriptor`);
  expect(() => auth({ methods })).toThrow(`auth: ${path} has no descriptor`);
  expect(() => validation({ methods, unchecked: [SERVICE] })).not.toThrow();
});

test("a message that cannot be checked is not let through, and the log says why", async () => {
  for (const [options, why] of [
    [{}, "has no descriptor"],
    [{ registry }, "definitions do not have /greeter.v1.GreetingService/Greet"],
  ] as const) {
    const { logger, lines } = recordLog();
    const { greet, requests } = await start(recovery(logger), validation(options));
    expect(await greet("Ada")).toBe(`${grpc.status.INTERNAL} internal error`);
    expect(requests).toEqual([]);
    expect(lines[0]?.facts.err).toMatchObject({ message: expect.stringContaining(why) });
  }
});

test("timeouts by path or by service", async () => {
  let left = 0;
  const seen: Interceptor = (call) => ({
    onStart() {
      left = call.deadline - Date.now();
    },
  });
  const method = methods.find(({ name }) => name === "Greet");
  for (const [timeouts, expected] of [
    [{ [SERVICE]: 3000 }, 3000],
    [{ [SERVICE]: 3000, [`/${SERVICE}/Greet`]: 2000 }, 2000],
    [{}, 10_000],
  ] as const) {
    const call = { side: "server", method, deadline: Number.POSITIVE_INFINITY } as never;
    deadline({ timeouts })(call).onStart?.();
    seen(call).onStart?.();
    expect(left).toBeGreaterThan(expected - 500);
    expect(left).toBeLessThanOrEqual(expected);
  }
  expect(() => deadline({ timeouts: { [SERVICE]: -1 } })).toThrow(`deadline: ${SERVICE} must be`);
});
