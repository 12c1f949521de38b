// A client of the greeter for the shell: node greet.ts --name=John [--kind=greet|list|record|chat] [--target=host:port].
import { parseArgs } from "node:util";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createClient } from "@tenon/grpc";
import { toFailure } from "./greet-failure.ts";
import { GREET_KINDS, isGreetKind, NEEDS_NAMES, namesOf } from "./greet-kinds.ts";

const OPTIONS = {
  /** Whom to greet; for the kinds that take several names, separated by commas. */
  name: { type: "string", default: "" },
  kind: { type: "string", default: "greet" },
  target: { type: "string", default: "127.0.0.1:8080" },
  "timeout-ms": { type: "string", default: "5000" },
} as const;

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "string") return fail(options, 64);
  const { name, kind, target, timeoutMs } = options;
  const client = createClient(greeterv1.GreetingService, { target });
  try {
    for await (const line of GREET_KINDS[kind](client, name, { timeoutMs })) {
      process.stdout.write(`Response from server: ${line}\n`);
    }
    return 0;
  } catch (error) {
    const { message, exitCode } = toFailure(error, { target, timeoutMs });
    return fail(message, exitCode);
  } finally {
    client.close();
  }
}

/** What is asked for, or what is wrong with it. */
function readOptions() {
  try {
    const { name, kind, target, "timeout-ms": timeout } = parseArgs({ options: OPTIONS }).values;
    const timeoutMs = Number(timeout);
    if (!isGreetKind(kind)) return `there is no kind ${kind}: there are ${Object.keys(GREET_KINDS).join(", ")}`;
    if (NEEDS_NAMES.has(kind) && namesOf(name).length === 0) {
      return `kind=${kind} sends names, and there are none: name=Ada,Grace`;
    }
    if (!(timeoutMs > 0)) return "timeout-ms is a number of milliseconds above 0";
    return { name, kind, target, timeoutMs };
  } catch (error) {
    return (error as Error).message; // parseArgs says which option it does not know
  }
}

function fail(message: string, exitCode: number): number {
  process.stderr.write(`${message}\n`);
  return exitCode;
}

process.exitCode = await main();
