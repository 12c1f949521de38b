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

/** The list of all of them. */
export function help(commands: readonly Command[] = COMMANDS): string {
  const rows = [...commands, { name: "help", summary: "this list" }];
  const width = Math.max(...rows.map(({ name }) => name.length));
  return [
    'make platform args="<command>" has the running platform do something; it may be repeated at any time.',
    "",
    ...rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "It proves itself by the key that make run keeps in .data/keys, or by TOKEN, an admin's access token. Services are",
    "where make run has them, or where USER_TARGET, ORDER_TARGET and so on say. Exit codes: 0 all is well, 1 something",
    "was found, 64 wrong words, 69 the platform does not run, 77 not allowed, 70 anything else.",
  ].join("\n");
}
