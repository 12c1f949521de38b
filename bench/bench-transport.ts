// `make bench-transport`: what mutual TLS and telemetry take of our server's calls. See README.md.
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "@tenon/setup";
import { TRANSPORT_AIMS } from "./aims.ts";
import { type PeerOptions, runBench } from "./run-bench.ts";
import type { Peer } from "./server-peers.ts";
import { WORKLOADS } from "./workloads.ts";

const SAMPLED = "0.01";

await runBench({
  name: "transport",
  title: "Mutual TLS and telemetry: CPU a call",
  baseline: "tenon-standard",
  workloads: WORKLOADS,
  aims: TRANSPORT_AIMS,
  // The one that shows a certificate.
  ownLoad: true,
  async start({ key }: PeerOptions) {
    const directory = await mkdtemp(join(tmpdir(), "tenon-bench-tls-"));
    const filesOf = (name: string) => ({ cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) });
    const subjects = [{ ...filesOf("peer"), names: ["localhost", "127.0.0.1"] }];
    await makeCertificates({ authority: filesOf("ca"), subjects });
    const read = (file: string) => readFile(file, "utf8");
    const shown = filesOf("peer");
    const tls = { ca: await read(filesOf("ca").cert), cert: await read(shown.cert), key: await read(shown.key) };
    const collector = createServer((request, response) => {
      request.resume().on("end", () => response.end("{}"));
    });
    await once(collector.listen(0, "127.0.0.1"), "listening");
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

    const program = (name: string, ...options: readonly string[]): readonly string[] => [
      ...[process.execPath, join(import.meta.dirname, `peers/${name}.ts`), `--key=${JSON.stringify(key)}`],
      ...options,
    ];
    const telemetry = [
      `OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
      "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
      "OTEL_TRACES_SAMPLER=parentbased_traceidratio",
      `OTEL_TRACES_SAMPLER_ARG=${SAMPLED}`,
    ];
    const peer = (name: string, title: string, command: readonly string[]): Peer => ({
      ...{ name, title, command },
      wire: "grpc",
    });
    return {
      peers: [
        peer("tenon-standard", "Tenon, in the clear", program("tenon-peer")),
        { ...peer("tenon-mtls", "Tenon, mutual TLS 1.3", program("tenon-peer", `--tls=${directory}`)), tls },
        peer("tenon-telemetry", "Tenon, traces (1 %) and metrics by OTLP", [
          "env",
          ...telemetry,
          ...program("observed-peer"),
        ]),
      ],
      async close() {
        collector.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
});
