import { createServer } from "node:net";
import { StartError, systemReason } from "@tenon/errors";

/** A place where something will listen, and the variable that says so. */
export interface Listener {
  readonly variable: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Tries every port before anything listens, so that all that cannot be had are told at once, in one line that names
 * their variables. Throws a StartError. What takes a port after this is told by who listens.
 */
export async function assertPortsFree(listeners: readonly Listener[]): Promise<void> {
  const reasons = await Promise.all(
    listeners.map((listener) => {
      const first = listeners.find(({ port }) => port === listener.port);
      return first === listener ? tryPort(listener) : `${first?.variable} has it already`;
    }),
  );
  const wrong = listeners.flatMap(({ variable, host, port }, index) =>
    reasons[index] === undefined ? [] : [`${port} (${variable} on ${host}: ${reasons[index]})`],
  );
  if (wrong.length === 0) return;
  const help =
    wrong.length === 1
      ? "stop what uses it, or set the variable to a free port"
      : "stop what uses them, or set the variables to free ports";
  throw new StartError(`cannot listen on port ${wrong.join(", ")}: ${help}`);
}

const LAST_PORT = 65_535;

/** Why the port cannot be had; undefined where it can. */
function tryPort({ host, port }: Listener): Promise<string | undefined> {
  if (port > LAST_PORT) return Promise.resolve(`ports end at ${LAST_PORT}`);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(systemReason(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
