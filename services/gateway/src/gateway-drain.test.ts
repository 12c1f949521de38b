import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createHealth, createServer } from "@tenon/grpc";
import { freePorts, implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { GATEWAY_SERVICES } from "./gateway-services.ts";

const LIMIT = () => AbortSignal.timeout(45_000);

/** A greeter of this process. "held" is greeted, and its streams go on, once the test lets go. */
async function startGreeter() {
  const letGo = Promise.withResolvers<void>();
  let held = 0;
  const hold = async (name: string) => {
    if (name !== "held") return;
    held += 1;
    await letGo.promise;
  };
  const service = implementPart(greeterv1.GreetingService, {
    async greet({ name }) {
      await hold(name);
      return { message: `Hello ${name}` };
    },
    async *listGreetings({ names }) {
      for (const name of names) {
        await hold(name);
        yield { message: `Hello ${name}` };
      }
    },
    recordGreetings: async () => ({}),
    async *chatGreetings(requests) {
      for await (const { name } of requests) {
        yield { message: `Hello ${name}` };
        await hold(name);
      }
    },
  });
  const health = createHealth({ services: [] });
  const server = createServer({ services: [service], natives: [health.native] });
  health.setAll(true);
  onTestFinished(() => server.close({ graceMs: 0 }));
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  return { target: `127.0.0.1:${port}`, letGo: letGo.resolve, held: () => held };
}

/** The process of the gateway, with nothing behind it but a greeter. */
async function startProcess(target: string) {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const targets = Object.fromEntries(GATEWAY_SERVICES.map(({ target: variable }) => [variable, "127.0.0.1:1"]));
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], {
    env: {
      PATH: process.env.PATH,
      HOST: "127.0.0.1",
      PORT: `${port}`,
      ADMIN_PORT: `${adminPort}`,
      LOG_LEVEL: "error",
      CHECK_INTERVAL: "100ms",
      DRAIN_WAIT: "3s",
      DRAIN_GRACE: "30s",
      REQUEST_RATE: "1000000",
      ...targets,
      GREETER_TARGET: target,
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const exit = once(child, "exit").then(([code, signal]) => code ?? signal);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  const readyz = async () =>
    fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal: LIMIT() }).then(
      ({ status }) => status,
      () => undefined,
    );
  while ((await readyz()) !== 200) await delay(50);
  return { port, readyz, exit, terminate: () => void child.kill("SIGTERM") };
}

async function greet(port: number, name: string, agent: Agent) {
  const sent = httpRequest({ host: "127.0.0.1", port, path: "/v1/greet", method: "POST", agent, signal: LIMIT() });
  sent.end(JSON.stringify({ name }));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode, goes: response.headers.connection === "close", body: await text(response) };
}

/** Asks on one connection until it is told to go elsewhere. How often it asked. */
async function askUntilTold(port: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let asked = 1; ; asked++) {
    const { status, goes } = await greet(port, "Ada", agent);
    expect(status).toBe(200);
    if (!goes) continue;
    agent.destroy();
    return asked;
  }
}

const stream = async (port: number, accept: string) => {
  const url = `http://127.0.0.1:${port}/v1/greetings?names=Ada&names=held`;
  return (await fetch(url, { headers: { accept }, signal: LIMIT() })).text();
};

async function chat(port: number) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/greetings:chat`);
  socket.onopen = () => socket.send('{"name":"held"}');
  const [{ code, reason }] = await once(socket, "close", { signal: LIMIT() });
  return { code, reason };
}

const isRefused = async (port: number): Promise<boolean> => {
  const socket = connect({ host: "127.0.0.1", port });
  const refused = await once(socket, "connect").then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
};

test("a SIGTERM under load drops no request, lets what was begun finish, and tells streams to connect again", async () => {
  const greeter = await startGreeter();
  const { port, readyz, exit, terminate } = await startProcess(greeter.target);
  const clients = Array.from({ length: 20 }, () => askUntilTold(port));
  const agent = new Agent({ keepAlive: true });
  const begun = Array.from({ length: 5 }, () => greet(port, "held", agent));
  const streams = Promise.all(["text/event-stream", "application/x-ndjson"].map((accept) => stream(port, accept)));
  const chats = Promise.all([chat(port), chat(port)]);
  while (greeter.held() < 9) await delay(10);
  terminate();
  while ((await readyz()) !== 503) await delay(10);

  const asked = await Promise.all(clients);
  expect(asked.length).toBe(20);
  const [events, lines] = (await streams) as [string, string];
  expect(events).toMatch(
    /^:\n\ndata: \{"message":"Hello Ada"\}\n\nevent: error\ndata: \{"code":14,.*"DRAINING".*\}\n\n$/,
  );
  expect(lines).toMatch(/^\{"message":"Hello Ada"\}\n\{"error":\{"code":14,.*"DRAINING".*\}\}\n$/);
  for (const end of await chats) expect(end).toEqual({ code: 4014, reason: "the gateway is going: connect again" });

  while (!(await isRefused(port))) await delay(10);
  greeter.letGo();
  for (const { status, goes, body } of await Promise.all(begun)) {
    expect({ status, goes, body }).toEqual({ status: 200, goes: true, body: '{"message":"Hello held"}' });
  }
  agent.destroy();
  expect(await exit).toBe(0);
}, 60_000);
