import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";

const root = new URL("..", import.meta.url);

test("the example of the README listens, and drains when it is told to", async () => {
  const readme = readFileSync(new URL("README.md", root), "utf8");
  const example = /```typescript\n(.*?)```/s.exec(readme)?.[1] as string;
  const [PORT, ADMIN_PORT] = await Promise.all([freePort(), freePort()]);
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", example], {
    cwd: root,
    env: { ...process.env, PORT, ADMIN_PORT, DRAIN_WAIT: "10ms", LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 14_000,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exit = once(child, "close");
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    out += chunk;
  });
  await expect.poll(() => out, { timeout: 10_000 }).toContain("listening");
  const ready = await fetch(`http://127.0.0.1:${ADMIN_PORT}/readyz`);
  expect(await ready.json()).toEqual({ ready: true, draining: false, checks: { database: "ok" } });
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  expect(out).toContain("closed");
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return String(port);
}
