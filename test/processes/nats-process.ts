import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { type SupervisedOptions, type SupervisedProcess, supervise } from "./supervised-process.ts";

export interface NatsOptions {
  /** nats-server, as `findNatsServer` has found it. */
  program: string;
  /** Asked whenever it is started again: whether it finds nothing of what it had, as on a new disk. */
  isWiped: () => boolean;
}

export interface NatsProcess extends SupervisedProcess {
  /** For `NATS_URL`. */
  readonly url: string;
  /** How often it came back with nothing. */
  readonly wipes: number;
}

export interface NatsProcessOptions
  extends NatsOptions,
    Pick<SupervisedOptions, "logFile" | "restartDelayMs" | "onEvent"> {
  directory: string;
  port: number;
}

/** A nats-server with JetStream on 127.0.0.1. */
export function superviseNats({ program, isWiped, directory, port, ...rest }: NatsProcessOptions): NatsProcess {
  const store = join(directory, "nats");
  let wipes = 0;
  const supervised = supervise({
    ...rest,
    name: "nats",
    command: [program, "-a", "127.0.0.1", "-p", String(port), "-js", "-sd", store],
    env: { PATH: process.env.PATH ?? "" },
    isReady: () => greets(port),
    async beforeRestart() {
      if (!isWiped()) return;
      await rm(store, { recursive: true, force: true });
      wipes += 1;
    },
  });
  const url = `nats://127.0.0.1:${port}`;
  return {
    ...supervised,
    url,
    get pid() {
      return supervised.pid;
    },
    get wipes() {
      return wipes;
    },
  };
}

/** Whoever connects is told at once whom he has reached. */
async function greets(port: number): Promise<boolean> {
  const socket = createConnection({ host: "127.0.0.1", port });
  try {
    const [greeting] = await once(socket, "data", { signal: AbortSignal.timeout(1000) });
    return String(greeting).startsWith("INFO ");
  } finally {
    socket.destroy();
  }
}
