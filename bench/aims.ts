import { cpuRatio, type Sample } from "./statistics.ts";

/** What we want to be true of our server's CPU. */
export interface Aim {
  readonly peer: string;
  readonly against: string;
  readonly workloads: readonly string[];
  /** So many times the CPU of `against`. */
  readonly atMost: number;
}

export const SERVER_AIMS: readonly Aim[] = [
  { peer: "tenon", against: "grpc-js", workloads: ["small", "order"], atMost: 1.05 },
  { peer: "tenon", against: "grpc-js", workloads: ["stream"], atMost: 1.1 },
  { peer: "tenon-standard", against: "grpc-js-interceptors", workloads: ["small", "order"], atMost: 1 },
  { peer: "tenon-standard", against: "grpc-js", workloads: ["small", "order"], atMost: 1.3 },
  { peer: "tenon-standard", against: "grpc-js", workloads: ["stream"], atMost: 1.1 },
];

/** Of our interceptors: the whole standard chain, and the bridge that carries them. */
export const INTERCEPTOR_AIMS: readonly Aim[] = [
  { peer: "tenon-standard", against: "grpc-js", workloads: ["small", "order"], atMost: 1.3 },
  { peer: "tenon-interceptors", against: "grpc-js-interceptors", workloads: ["small", "order"], atMost: 1 },
];

/** Of what an operator switches on: nine tenths of the calls that a core does without. */
export const TRANSPORT_AIMS: readonly Aim[] = [
  { peer: "tenon-mtls", against: "tenon-standard", workloads: ["small", "order"], atMost: 1 / 0.9 },
  { peer: "tenon-telemetry", against: "tenon-standard", workloads: ["small", "order"], atMost: 1 / 0.9 },
];

/** Of our gateway: as many requests a core as these ratios of CPU say. */
export const GATEWAY_AIMS: readonly Aim[] = [
  { peer: "tenon-library", against: "grpc-gateway", workloads: ["order"], atMost: 1 / 1.5 },
  { peer: "tenon-library", against: "fastify-grpc-js", workloads: ["small", "order"], atMost: 1.3 },
  { peer: "tenon-gateway", against: "fastify-grpc-js", workloads: ["small", "order"], atMost: 1.3 },
  { peer: "tenon-in-process", against: "fastify", workloads: ["small", "order"], atMost: 1 / 0.8 },
];

export interface AimResult {
  readonly peer: string;
  readonly against: string;
  readonly workload: string;
  readonly atMost: number;
  readonly ratio: number;
  readonly met: boolean;
}

/** How far the aims are met; those whose servers did not run are left out. */
export const judge = (samples: readonly Sample[], aims: readonly Aim[]): AimResult[] =>
  aims.flatMap(({ workloads, ...aim }) =>
    workloads.flatMap((workload) => {
      const ratio = cpuRatio(samples, workload, aim);
      return ratio === undefined ? [] : [{ ...aim, workload, ratio, met: ratio <= aim.atMost }];
    }),
  );
