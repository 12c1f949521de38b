import { createServer } from "node:net";
import { PLATFORM_SERVICES, type ServiceName } from "@tenon/platform";
import { freePorts } from "@tenon/testing";

/** By the name of the service that is published there. */
export type Ports = Readonly<Record<ServiceName, number>>;

const DEFAULTS = Object.fromEntries(PLATFORM_SERVICES.map(({ name, port }) => [name, port])) as Ports;

/** The ports of docker-compose.yml, or free ones where somebody has one of those: a platform of yours stays as it is. */
export async function choosePorts({ onTaken }: { onTaken: (line: string) => void }): Promise<Ports> {
  const wanted = Object.values(DEFAULTS);
  const free = await Promise.all(wanted.map(isFree));
  const taken = wanted.filter((_, index) => !free[index]);
  if (taken.length === 0) return DEFAULTS;
  const others = await freePorts(wanted.length);
  onTaken(
    `In use on this machine: ${taken.join(", ")}. The smoke test publishes on other ports, ${others.join(", ")}.`,
  );
  return Object.fromEntries(Object.keys(DEFAULTS).map((name, index) => [name, others[index]])) as Ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
