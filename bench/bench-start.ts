// `make bench-start`: how long each service takes until it is ready, and what it takes when nobody calls. See README.md.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startEmbedded } from "@tenon/database/embedded";
import { createLogger } from "@tenon/logger";
import { makeServiceKeys } from "@tenon/setup";
import { chooseFixedPorts } from "@tenon/test/fixed-ports";
import { cpuSecondsOf } from "./cpu-time.ts";
import { describeMachine } from "./machine.ts";
import { memoryOf } from "./process-memory.ts";
import { judgeStarts, type Start, type StartResults, toStartMarkdown } from "./start-report.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const { quick } = values;
const rounds = quick ? 1 : 5;
const idleSeconds = quick ? 2 : 30;
const READY_LIMIT_MS = 120_000;
const POLL_MS = 5;
/** By a container's limit Node sizes its heap, as by this: half of the 384 MiB that compose and Kubernetes give, and young objects to match. */
const HEAP = "--max-heap-size=192";

const say = (line: string) => void process.stdout.write(`${line}\n`);
const folder = join(import.meta.dirname, "../services");

/** What runs as a process of its own; the gateway last, which is ready when one of the others is. */
async function servicesHere(): Promise<string[]> {
  const all = (await readdir(folder)).filter((name) => existsSync(join(folder, name, "src/server.ts")));
  return [...all.filter((name) => name !== "gateway"), "gateway"];
}

interface Place {
  readonly service: string;
  readonly adminPort: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts one as in its image, and waits until it says that it is ready. */
async function start({ service, adminPort, env }: Place): Promise<{ child: ChildProcess } & Omit<Start, "memory">> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [HEAP, "src/main.ts"], {
    cwd: join(folder, service),
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const pid = child.pid ?? 0;
  try {
    while (!(await isReady(adminPort))) {
      if (child.exitCode !== null) throw new Error(`${service} ended with ${child.exitCode}`);
      if (performance.now() - startedMs > READY_LIMIT_MS) throw new Error(`${service} is not ready`);
      await delay(POLL_MS);
    }
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return { child, service, readyMs: performance.now() - startedMs, cpuMs: cpuSecondsOf(pid) * 1000 };
}

async function isReady(adminPort: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal: AbortSignal.timeout(1000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

/** Every service once, one after the other, and all of them idle for a while. */
async function round(places: readonly Place[], idleMs: number): Promise<Start[]> {
  const running: Awaited<ReturnType<typeof start>>[] = [];
  try {
    for (const place of places) running.push(await start(place));
    await delay(idleMs);
    return running.map(({ child, ...figures }) => ({ ...figures, memory: memoryOf(child.pid ?? 0) }));
  } finally {
    for (const { child } of running.reverse()) {
      const ended = child.exitCode === null && once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
  }
}

async function main(): Promise<void> {
  const machine = describeMachine({ withGo: false });
  const directory = await mkdtemp(join(tmpdir(), "tenon-bench-start-"));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const logger = createLogger({ name: "postgres", level: "silent" });
  const database = await startEmbedded({ directory: join(directory, "postgres"), logger });
  undo.defer(() => database.close());

  const services = await servicesHere();
  const keyFiles = Object.fromEntries(services.map((name) => [name, join(directory, `${name}.jwk.json`)]));
  const jwksFile = join(directory, "services.jwks.json");
  await makeServiceKeys({ keyFiles, jwksFiles: [jwksFile] });
  const ports = await chooseFixedPorts(2 * services.length);
  const targets = services.map((name, i) => [`${name.toUpperCase()}_TARGET`, `127.0.0.1:${ports[2 * i]}`]);
  const places: Place[] = [];
  for (const [i, service] of services.entries()) {
    const adminPort = ports[2 * i + 1] ?? 0;
    const env = {
      NODE_ENV: "production",
      NODE_COMPILE_CACHE: join(directory, "compiled"),
      PORT: String(ports[2 * i]),
      ADMIN_PORT: String(adminPort),
      // There is nobody who would have to notice.
      DRAIN_WAIT: "0ms",
      DATABASE_URL: await database.ensureDatabase({ database: service, role: service }),
      SERVICE_KEY_FILE: keyFiles[service] ?? "",
      SERVICE_JWKS_FILE: jwksFile,
      ...Object.fromEntries(targets),
    };
    places.push({ service, adminPort, env });
  }

  say("The first start of each, which makes its tables: not measured.");
  await round(places, 0);
  const starts: Start[] = [];
  for (let count = 1; count <= rounds; count++) {
    const measured = await round(places, idleSeconds * 1000);
    starts.push(...measured);
    say(`round ${count}/${rounds}  ${measured.map((one) => `${one.service} ${one.readyMs.toFixed(0)} ms`).join("  ")}`);
  }
  const at = new Date().toISOString();
  await write({ at, quick, machine, rounds, idleSeconds, services: judgeStarts(starts) });
}

async function write(results: StartResults): Promise<void> {
  const name = quick ? "start-partial" : "start";
  const to = join(import.meta.dirname, "results");
  const markdown = toStartMarkdown(results);
  await mkdir(to, { recursive: true });
  await writeFile(join(to, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFile(join(to, `${name}.md`), markdown);
  say(`\n${markdown}\nWritten to bench/results/${name}.json and .md.`);
  if (!quick && results.services.some(({ met }) => !met)) process.exitCode = 1;
}

await main();
