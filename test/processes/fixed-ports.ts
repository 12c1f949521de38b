import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports of 127.0.0.1 that nobody listens on, below those that the system gives to connections: a process that is killed
 * finds its port free when it is started again.
 */
export async function chooseFixedPorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = FIRST + (process.pid % SPREAD) * STRIDE; found.length < count; port++) {
    if (await isFree(port)) found.push(port);
  }
  return found;
}

/** Runs side by side begin at different numbers. */
const FIRST = 20_000;
const SPREAD = 100;
const STRIDE = 50;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen({ host: "127.0.0.1", port, exclusive: true }), "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
