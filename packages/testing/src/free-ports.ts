import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * Ports of 127.0.0.1 that nobody listens on, all different. Another process may take one before it is used: for tests
 * that must know a port before they listen; all others listen on 0.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
