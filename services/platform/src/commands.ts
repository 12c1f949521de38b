import type { Command } from "./command.ts";
import { reconcileCommand } from "./reconcile-command.ts";
import { redriveCommand } from "./redrive-command.ts";
import { replayOutboxCommand } from "./replay-outbox-command.ts";
import { verifyLedgerCommand } from "./verify-ledger-command.ts";

/** What `make platform args="<name>"` knows. */
export const COMMANDS: readonly Command[] = [
  reconcileCommand,
  redriveCommand,
  replayOutboxCommand,
  verifyLedgerCommand,
];

/** How a command ends, by sysexits.h where it has a number, so that a script can tell what to do. */
export const EXIT = {
  ok: 0,
  found: 1,
  usage: 64,
  unavailable: 69,
  software: 70,
  permission: 77,
  config: 78,
} as const;

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "all is well",
  found: "something was found, which it printed",
  usage: "wrong words",
  unavailable: "the platform does not answer",
  software: "anything else",
  permission: "not allowed",
  config: "a variable, key or certificate cannot be used",
};

/** The list of all of them. */
export function help(commands: readonly Command[] = COMMANDS): string {
  const rows = [...commands, { name: "help", summary: "this list" }];
  const width = Math.max(...rows.map(({ name }) => name.length));
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return [
    'make platform args="<command>" has the running platform do something; it may be repeated at any time.',
    "",
    ...rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "It proves itself by the key that make run keeps in .data/keys, or by TOKEN, an admin's access token. Services are",
    "where make run has them, or where USER_TARGET, ORDER_TARGET and so on say.",
    "",
    "Exit codes, of which make itself passes on only 0 and makes each other one 2. A script sees them by",
    "  node_modules/node/bin/node services/platform/src/operate.ts <command>",
    "",
    ...names.map((name) => `  ${String(EXIT[name]).padEnd(2)}  ${MEANINGS[name]}`),
  ].join("\n");
}
