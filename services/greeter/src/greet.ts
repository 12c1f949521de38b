// A client of the greeter for the shell: node greet.ts --name=John [--kind=greet|list|record|chat] [--target=host:port].
// By TLS where GREETER_TLS_CERT_FILE, TLS_CA_FILE and so on are set, as for the greeter itself.
import { parseArgs } from "node:util";
import { readConfig } from "@tenon/config";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StartError } from "@tenon/errors";
import { createClient } from "@tenon/grpc";
import { readClientTls } from "@tenon/runtime";
import { spec } from "./config.ts";
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
  const tls = readTls();
  if (typeof tls === "string") return fail(tls, 78);
  const client = createClient(greeterv1.GreetingService, { target, tls });
  try {
    for await (const line of GREET_KINDS[kind](client, name, { timeoutMs })) {
      process.stdout.write(`Response from server: ${line}\n`);
    }
    return 0;
  } catch (error) {
    const { message, exitCode } = toFailure(error, { target, timeoutMs, tls: tls !== undefined });
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

/** What the environment names, or what is wrong with it. */
function readTls() {
  const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CA_FILE } = spec;
  try {
    return readClientTls(readConfig({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CA_FILE }, { prefix: "GREETER" }));
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.message;
  }
}

function fail(message: string, exitCode: number): number {
  process.stderr.write(`${message}\n`);
  return exitCode;
}

process.exitCode = await main();
