import { createServer } from "node:net";
import { StartError } from "@tenon/errors";
import { systemReason } from "./system-reason.ts";

/** A place where something will listen, and the variable that says so. */
export interface Listener {
  readonly variable: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Tries every port before anything starts, so that all that cannot be had are told at once, each with its variable.
 * Throws a StartError. What takes a port after this is told by who listens.
 */
export async function assertPortsFree(listeners: readonly Listener[]): Promise<void> {
  const twice = findTwice(listeners);
  const taken = await Promise.all(listeners.map((listener) => tryPort(listener)));
  const lines = [...twice, ...taken.filter((line) => line !== undefined)];
  if (lines.length > 0) throw new StartError(lines.join("\n"));
}

function findTwice(listeners: readonly Listener[]): string[] {
  const first = new Map<number, string>();
  return listeners.flatMap(({ variable, port }) => {
    const other = first.get(port);
    if (other === undefined) first.set(port, variable);
    return other === undefined ? [] : [`${other} and ${variable} are both ${port}: give one of them another port`];
  });
}

const LAST_PORT = 65_535;

const tryPort = ({ variable, host, port }: Listener) =>
  new Promise<string | undefined>((resolve) => {
    if (port > LAST_PORT)
      return resolve(`${variable} is ${port}, and there are ports up to ${LAST_PORT}: set it to a free one`);
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      const line =
        error.code === "EADDRINUSE"
          ? `port ${port} of ${host} is in use by another program: stop it, or set ${variable} to a free port`
          : `port ${port} of ${host} cannot be had (${systemReason(error)}): set ${variable} or HOST`;
      resolve(line);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
