import { join } from "node:path";
import { startEmbedded } from "@tenon/database/embedded";
import { createLogger } from "@tenon/logger";
import { askHealth } from "@tenon/runtime";
import { chooseFixedPorts } from "../processes/fixed-ports.ts";
import { supervise } from "../processes/supervised-process.ts";

/** Replicas of the smallest service as pods have it: all on one port, each with an address of its own. */
export interface Greeters extends AsyncDisposable {
  readonly port: number;
  readonly addresses: readonly string[];
  /** How many calls of a method each has answered. */
  answered(method: string): Promise<readonly number[]>;
}

export interface GreetersOptions {
  directory: string;
  count: number;
  /** As MAX_CONNECTION_AGE has it. */
  maxConnectionAge: string;
}

const START_LIMIT_MS = 120_000;

/** Needs a system where all of 127.0.0.0/8 is this machine, as Linux is. */
export async function startGreeters({ directory, count, maxConnectionAge }: GreetersOptions): Promise<Greeters> {
  await using undo = new AsyncDisposableStack();
  const logger = createLogger({ name: "postgres", level: "silent" });
  const database = await startEmbedded({ directory: join(directory, "greeters"), logger });
  undo.defer(() => database.close());
  const url = await database.ensureDatabase({ database: "greeter", role: "greeter" });
  const [port = 0, adminPort = 0] = await chooseFixedPorts(2);
  const addresses = Array.from({ length: count }, (_, index) => `127.0.0.${index + 2}`);
  const processes = addresses.map((address, index) =>
    supervise({
      name: `greeter-${index + 1}`,
      command: [process.execPath, join(import.meta.dirname, "../../services/greeter/src/main.ts")],
      env: {
        PATH: process.env.PATH ?? "",
        ...{ HOST: address, PORT: String(port), ADMIN_PORT: String(adminPort), DATABASE_URL: url },
        ...{ MAX_CONNECTION_AGE: maxConnectionAge, LOAD_SHEDDING: "off" },
      },
      logFile: join(directory, `greeter-${index + 1}.log`),
      isReady: async () => (await askHealth({ address: `${address}:${port}` })) === "SERVING",
      restartDelayMs: () => 0,
      onEvent() {},
    }),
  );
  undo.defer(async () => void (await Promise.all(processes.map((each) => each.stop()))));
  await Promise.all(processes.map((each) => each.ready(START_LIMIT_MS)));
  const kept = undo.move();
  return {
    ...{ port, addresses },
    answered: (method) =>
      Promise.all(
        addresses.map(async (address) => {
          const page = await (await fetch(`http://${address}:${adminPort}/metrics`)).text();
          const line = new RegExp(
            `^grpc_server_handled_total{.*grpc_method="${method}".*grpc_code="OK".*} (\\d+)$`,
            "m",
          );
          return Number(line.exec(page)?.[1] ?? 0);
        }),
      ),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
