/** The parts of an address as calls name their peers: `127.0.0.1:80`, `[::1]:80`, `/tmp/my.sock`. */
export interface PeerAddress {
  readonly address: string;
  readonly port?: number;
}

/** Nothing where the peer is not known, or no address (`in-process`). */
export function toPeerAddress(peer: string): PeerAddress | undefined {
  if (peer.startsWith("unix:")) return { address: peer.slice("unix:".length) };
  if (peer.startsWith("/")) return { address: peer };
  const parts = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(peer);
  if (parts === null) return undefined;
  const [, address = "", port] = parts;
  return { address, port: Number(port) };
}
