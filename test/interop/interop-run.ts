// Our server, with all that a service of ours has, called by grpc-go's interoperability client, and our client with its whole
// chain against grpc-go's server: `interop-run.ts <client program> <server program>`. Exits with 1 where a case fails.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createClient, createServer, methodsOf } from "@tenon/grpc";
import { standardClient, standardServer } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { Registry } from "prom-client";
import { TestService, UnimplementedService } from "./gen/interop_pb.ts";
import { CASES } from "./interop-cases.ts";
import { interopService } from "./interop-service.ts";

const [clientProgram = "", serverProgram = ""] = process.argv.slice(2);
const CASE_MS = 20_000;
const logger = createLogger({ name: "interop", level: "silent" });
const registry = new Registry();
const say = (line: string) => process.stdout.write(`${line}\n`);

/** How many cases hold; says which do not, and why. */
async function judge(what: string, run: (name: string) => Promise<unknown>): Promise<boolean> {
  const failed: string[] = [];
  for (const name of Object.keys(CASES)) {
    try {
      await run(name);
    } catch (error) {
      failed.push(name);
      const { stderr, message } = error as Error & { stderr?: string };
      say(`  ${name}: ${stderr || message}`);
    }
  }
  say(`${what}: ${Object.keys(CASES).length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0;
}

async function judgeServer(): Promise<boolean> {
  // UnimplementedCall is not served, as a server that does not know it would have it
  const services = [interopService];
  const server = createServer({
    services: services.map(({ service, handlers }) => ({
      service: { ...service, methods: service.methods.filter(({ name }) => name !== "UnimplementedCall") },
      handlers,
    })),
    interceptors: standardServer({
      logger,
      registry,
      methods: methodsOf(services),
      auth: { access: { [TestService.typeName]: ["public"] } },
      requestIdHeader: true,
      loadShedding: {},
      rateLimits: { classes: { write: { perSecond: 1000, burst: 1000 } } },
    }),
  });
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  const options = ["--server_host=127.0.0.1", `--server_port=${port}`, "--use_tls=false"];
  const ok = await judge("our server by grpc-go's client", (name) =>
    promisify(execFile)(clientProgram, [...options, `--test_case=${name}`], { timeout: CASE_MS }),
  );
  await server.close({ graceMs: 1000 });
  return ok;
}

async function judgeClient(): Promise<boolean> {
  const port = await freePort();
  const server = spawn(serverProgram, [`--port=${port}`, "--use_tls=false"], { stdio: "ignore" });
  try {
    await listens(port);
    const target = `127.0.0.1:${port}`;
    const interceptors = standardClient({ logger, registry, circuitBreaker: {} });
    const clients = {
      test: createClient(TestService, { target, interceptors }),
      unimplemented: createClient(UnimplementedService, { target, interceptors }),
    };
    const ok = await judge("our client on grpc-go's server", async (name) => {
      const late = AbortSignal.timeout(CASE_MS);
      await Promise.race([CASES[name]?.(clients), once(late, "abort").then(() => Promise.reject(new Error("no end")))]);
    });
    for (const client of Object.values(clients)) client.close();
    return ok;
  } finally {
    server.kill();
    await once(server, "exit");
  }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listens(port: number): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(100);
  }
  throw new Error("grpc-go's server does not listen");
}

const results = [await judgeServer(), await judgeClient()];
process.exit(results.every(Boolean) ? 0 : 1);
