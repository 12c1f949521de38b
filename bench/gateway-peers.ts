import { join } from "node:path";
import type { Peer } from "./server-peers.ts";

export interface GatewayPeersOptions {
  /** The gRPC server that those with a remote backend call: `127.0.0.1:50051`. */
  backend: string;
  /** The program of the servers in Go, if there is one. */
  goProgram?: string | undefined;
}

/** What all others are compared with. */
export const GATEWAY_BASELINE = "fastify-grpc-js";

/** Everything that answers the same REST requests, in the order in which a reader compares it. */
export function gatewayPeers({ backend, goProgram }: GatewayPeersOptions): Peer[] {
  const remote = `--backend=${backend}`;
  const json = (name: string, title: string, file: string, ...options: string[]): Peer => ({
    name,
    title,
    wire: "json",
    command: [process.execPath, join(import.meta.dirname, "peers", `${file}.ts`), ...options],
  });
  return [
    json("express-grpc-js", "Express, written by hand, grpc-js", "express-to-grpc-peer", remote),
    json("fastify-grpc-js", "Fastify, written by hand, grpc-js", "fastify-to-grpc-peer", remote),
    json("tenon-library", "Tenon, transcoding on node:http", "transcoding-peer", remote),
    json("tenon-gateway", "Tenon, the whole gateway", "transcoding-peer", remote, "--whole"),
    ...(goProgram === undefined
      ? []
      : [
          {
            name: "grpc-gateway",
            title: "grpc-gateway (Go)",
            wire: "json" as const,
            command: [goProgram, `-gateway=${backend}`],
          },
        ]),
    json("node-http", "node:http, answers by itself", "node-http-peer"),
    json("fastify", "Fastify, answers by itself", "fastify-json-peer"),
    json("tenon-in-process", "Tenon, transcoding, server in process", "transcoding-peer"),
    json("tenon-gateway-in-process", "Tenon, the whole gateway, server in process", "transcoding-peer", "--whole"),
  ];
}
