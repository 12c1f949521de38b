import { execFile } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { start } from "./service-fixture.ts";

/** The exit code of the script, as a container engine sees it. */
const ready = (port: number) =>
  new Promise((resolve) => {
    const script = fileURLToPath(new URL("./ready.sh", import.meta.url));
    const child = execFile("bash", [script, String(port)]);
    child.once("exit", (code) => resolve(code));
  });

test("a process that takes calls is ready, and one whose check fails is not", async () => {
  let up = true;
  const { service, watch } = await start({
    checks: { database: () => (up ? Promise.resolve() : Promise.reject(new Error("down"))) },
  });
  expect(await ready(service.adminPort)).toBe(0);
  const health = watch("");
  await health.next();
  up = false;
  expect(await health.next()).toBe("NOT_SERVING");
  expect(await ready(service.adminPort)).toBe(1);
});

test("nobody there is not ready, and neither is one that accepts and stays silent", async () => {
  expect(await ready(1)).toBe(1);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  server.on("connection", (socket) => onTestFinished(() => void socket.destroy()));
  expect(await ready((server.address() as AddressInfo).port)).toBe(1);
});
