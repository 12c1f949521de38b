// Has the running platform do something: node operate.ts <command>; `help` lists the commands.
import { ConfigError } from "@tenon/config";
import { StartError, StatusError } from "@tenon/errors";
import { tlsHint } from "@tenon/runtime";
import { UsageError } from "./command.ts";
import { COMMANDS, EXIT, help } from "./commands.ts";
import { readOperatorConfig } from "./config.ts";
import { createOperator } from "./operator.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function main([name = "help", ...args]: readonly string[]): Promise<number> {
  if (name === "help") {
    say(help());
    return EXIT.ok;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined)
    return fail(`there is no command ${name}: make platform args="help" lists them`, EXIT.usage);
  if (!command.takesWords && args.length > 0) {
    return fail(`${name} takes no words, and was told "${args.join(" ")}": nothing was done`, EXIT.usage);
  }
  let tls = false;
  try {
    const config = readOperatorConfig();
    tls = Object.values(config.tls).some(Boolean);
    const operator = await createOperator({ config, print: say });
    try {
      return (await command.run(operator, args)) ? EXIT.ok : EXIT.found;
    } finally {
      operator.close();
    }
  } catch (error) {
    if (error instanceof UsageError) return fail(`${name}: ${error.message}`, EXIT.usage);
    if (error instanceof ConfigError || error instanceof StartError) return fail(error.message, EXIT.config);
    if (error instanceof StatusError) return tell(error, { tls });
    // A bug: its stack is for whoever mends it.
    return fail(error instanceof Error ? (error.stack ?? error.message) : String(error), EXIT.software);
  }
}

function tell(error: StatusError, { tls }: { tls: boolean }): number {
  const { code, message, reason } = error;
  switch (code) {
    case "UNAVAILABLE":
    case "DEADLINE_EXCEEDED": {
      // It did answer: something behind it did not.
      if (reason !== undefined) return fail(message, EXIT.unavailable);
      // Of the transport's words those about the address are enough.
      const hint = tlsHint(error, { tls });
      if (hint !== undefined) return fail(`the platform does not answer: ${hint}`, EXIT.unavailable);
      const why = /connect \w+ \S+\d/.exec(message)?.[0] ?? message;
      return fail(
        `the platform does not answer (${why}): is make run, or what the _TARGETs name, up?`,
        EXIT.unavailable,
      );
    }
    case "UNAUTHENTICATED":
    case "PERMISSION_DENIED":
      return fail(`${message}: set TOKEN to the access token of an admin`, EXIT.permission);
    case "DATA_LOSS":
      return fail(`FOUND: ${message}`, EXIT.found);
    default:
      return fail(`${code}: ${message}`, EXIT.software);
  }
}

function fail(message: string, exitCode: number): number {
  process.stderr.write(`${message}\n`);
  return exitCode;
}

process.exitCode = await main(process.argv.slice(2));
