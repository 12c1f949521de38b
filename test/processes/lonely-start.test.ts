import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askHealth } from "@tenon/runtime";
import { makeServiceKeys } from "@tenon/setup";
import { freePorts, testDatabase } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { startFaultProxy } from "./fault-proxy.ts";
import { type ProcessEvent, supervise } from "./supervised-process.ts";

const LIMIT_MS = 30_000;
/** Nobody listens there. */
const NOBODY = "127.0.0.1:1";
const root = join(import.meta.dirname, "../..");

for (const service of ["greeter", "user", "order", "payment", "processor"]) {
  test(
    `63: ${service} starts with its database, the broker and all other services down, and is ready once it has its database`,
    async () => {
      const directory = await mkdtemp(join(tmpdir(), "tenon-lonely-"));
      onTestFinished(() => rm(directory, { recursive: true, force: true }));
      const [keyFile, jwksFile] = [join(directory, "service.jwk.json"), join(directory, "services.jwks.json")];
      await makeServiceKeys({ keyFiles: { [service]: keyFile }, jwksFiles: [jwksFile] });
      const database = await testDatabase({ migrations: [] });
      onTestFinished(() => database.close());
      let isUp = false;
      const [real, away] = [new URL(database.url), new URL(database.url)];
      const proxy = await startFaultProxy({ upstream: () => (isUp ? Number(real.port) : undefined) });
      onTestFinished(() => proxy[Symbol.asyncDispose]());
      away.host = `127.0.0.1:${proxy.port}`;
      const [port = 0, adminPort = 0] = await freePorts(2);
      const address = `127.0.0.1:${port}`;
      const events: ProcessEvent["kind"][] = [];
      const lonely = supervise({
        name: service,
        command: [process.execPath, join(root, `services/${service}/src/main.ts`)],
        env: {
          PATH: process.env.PATH ?? "",
          ...{ PORT: String(port), ADMIN_PORT: String(adminPort), CHECK_INTERVAL: "100ms", DRAIN_WAIT: "0ms" },
          ...{ DATABASE_URL: away.href, NATS_URL: `nats://${NOBODY}` },
          ...{ SERVICE_KEY_FILE: keyFile, SERVICE_JWKS_FILE: jwksFile },
          ...{ USER_TARGET: NOBODY, ORDER_TARGET: NOBODY, PAYMENT_TARGET: NOBODY, PROCESSOR_TARGET: NOBODY },
        },
        logFile: join(directory, "log"),
        isReady: async () => (await askHealth({ address, service: "live" })) === "SERVING",
        restartDelayMs: () => LIMIT_MS,
        onEvent: ({ kind }) => void events.push(kind),
      });
      onTestFinished(async () => void (await lonely.stop()));
      await lonely.ready(LIMIT_MS);
      expect(await askHealth({ address })).toBe("NOT_SERVING");
      isUp = true;
      await expect.poll(() => askHealth({ address }), { timeout: LIMIT_MS, interval: 50 }).toBe("SERVING");
      // It is the process that was started first.
      expect(events).toEqual(["start"]);
    },
    2 * LIMIT_MS,
  );
}
