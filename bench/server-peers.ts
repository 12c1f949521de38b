import { join } from "node:path";
import type { LoadTls, Wire } from "./one-call.ts";

/** A server beside which ours is measured, or ours. */
export interface Peer {
  readonly name: string;
  readonly title: string;
  readonly wire: Wire;
  readonly command: readonly string[];
  /** By which it is spoken to; without, in the clear. */
  readonly tls?: LoadTls;
}

export interface ServerPeersOptions {
  /** How many interceptors our standard chain has. */
  chainLength: number;
  /** The public JWK that the load's token is verified with. */
  key: object;
  /** The program of the servers in Go, if there is one. */
  goProgram?: string | undefined;
}

/** What all others are compared with. */
export const BASELINE = "grpc-js";

/** All servers, in the order in which a reader compares them. */
export function serverPeers({ chainLength, key, goProgram }: ServerPeersOptions): Peer[] {
  const keyOption = `--key=${JSON.stringify(key)}`;
  return [
    { name: "express", title: "Express, JSON", wire: "json", command: node("express-peer") },
    { name: "fastify", title: "Fastify, JSON", wire: "json", command: node("fastify-peer") },
    { name: BASELINE, title: "grpc-js", wire: "grpc", command: node("grpc-js-peer") },
    {
      name: "grpc-js-interceptors",
      title: `grpc-js, ${chainLength} interceptors that do nothing`,
      wire: "grpc",
      command: node("grpc-js-peer", `--interceptors=${chainLength}`),
    },
    { name: "nice-grpc", title: "nice-grpc", wire: "grpc", command: node("nice-grpc-peer") },
    { name: "tenon", title: "Tenon", wire: "grpc", command: node("tenon-peer") },
    {
      name: "tenon-standard",
      title: `Tenon, standard chain of ${chainLength}`,
      wire: "grpc",
      command: node("tenon-peer", keyOption),
    },
    {
      name: "tenon-uncached",
      title: "the same, each token verified anew",
      wire: "grpc",
      command: node("tenon-peer", keyOption, "--uncached"),
    },
    ...(goProgram === undefined ? [] : goPeers(goProgram, key)),
  ];
}

/** What interceptors cost, ours and others': each server bare and with `chainLength` of them that do nothing, or with its chain. */
export function interceptorPeers({ chainLength, key, goProgram }: ServerPeersOptions): Peer[] {
  const keyOption = `--key=${JSON.stringify(key)}`;
  const count = `=${chainLength}`;
  const grpc = (name: string, title: string, ...command: [file: string, ...options: string[]]): Peer => {
    return { name, title, wire: "grpc", command: node(...command) };
  };
  return [
    grpc(BASELINE, "grpc-js", "grpc-js-peer"),
    grpc("grpc-js-interceptors", `grpc-js, ${chainLength} that do nothing`, "grpc-js-peer", `--interceptors${count}`),
    grpc("nice-grpc", "nice-grpc", "nice-grpc-peer"),
    grpc(
      "nice-grpc-middleware",
      `nice-grpc, ${chainLength} that do nothing`,
      "nice-grpc-peer",
      `--middlewares${count}`,
    ),
    grpc("connect", "connect-node, gRPC", "connect-peer"),
    grpc(
      "connect-interceptors",
      `connect-node, ${chainLength} that do nothing`,
      "connect-peer",
      `--interceptors${count}`,
    ),
    grpc("tenon", "Tenon", "tenon-peer"),
    grpc("tenon-interceptors", `Tenon, ${chainLength} that do nothing`, "tenon-peer", `--interceptors${count}`),
    grpc("tenon-standard", `Tenon, standard chain of ${chainLength}`, "tenon-peer", keyOption),
    grpc("tenon-uncached", "the same, each token verified anew", "tenon-peer", keyOption, "--uncached"),
    ...(goProgram === undefined ? [] : goPeers(goProgram, key)),
  ];
}

const goPeers = (program: string, key: object): Peer[] => [
  { name: "grpc-go", title: "grpc-go", wire: "grpc", command: [program] },
  {
    name: "grpc-go-middleware",
    title: "grpc-go, go-grpc-middleware",
    wire: "grpc",
    command: [program, `-key=${JSON.stringify(key)}`],
  },
];

const node = (file: string, ...options: string[]): string[] => [
  process.execPath,
  join(import.meta.dirname, "peers", `${file}.ts`),
  ...options,
];
