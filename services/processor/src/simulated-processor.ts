import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as processorv1 from "@tenon/contracts/processor/v1";
import type { Client, Implementation } from "@tenon/grpc";
import { createMemoryDatabase, type Life, type Simulation } from "@tenon/testing";
import { createMemoryTransactionLog, type LogTables } from "./memory-transaction-log.ts";
import { createProcessorHandler } from "./processor-handler.ts";
import { createProcessorService } from "./processor-service.ts";

type Methods = "authorize" | "capture" | "void" | "refund";

/** The processor as a process of a simulation: its rules and its handler, on a log in memory. */
export function simulateProcessor(simulation: Simulation) {
  const database = createMemoryDatabase<LogTables>({ transactions: new Map(), authorizations: new Map() });
  const process = simulation.start("processor");

  function handlersIn(life: Life): Implementation["handlers"] {
    const log = createMemoryTransactionLog(database, life);
    const { newId } = simulation;
    const { now } = life;
    const service = createProcessorService({ log, now, newId, wait: (ms) => life.sleep(ms) });
    return createProcessorHandler({ service, secret: new Uint8Array(16) }).handlers;
  }

  /** A client of it in another process. */
  function clientIn(from: Life): Pick<Client<typeof processorv1.ProcessorService>, Methods> {
    const method =
      <M extends Methods>(name: M) =>
      (init: MessageInitShape<(typeof processorv1.ProcessorService.method)[M]["input"]>, options = {}) => {
        const { input, output } = processorv1.ProcessorService.method[name];
        const request = create(input, init as never);
        const serve = async (life: Life) =>
          create(
            output,
            await (handlersIn(life)[name] as (request: unknown, call: unknown) => never)(request, NO_CALL),
          );
        return simulation.call(from, [process], { what: `processor ${name}`, serve, ...options });
      };
    return {
      authorize: method("authorize"),
      capture: method("capture"),
      void: method("void"),
      refund: method("refund"),
    } as never;
  }

  return { clientIn, log: () => database.committed };
}

/** Of a call, the processor's handlers ask for the signal only. */
const NO_CALL = { signal: new AbortController().signal };
export type SimulatedProcessor = ReturnType<typeof simulateProcessor>;
