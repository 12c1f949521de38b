import { expect, test } from "vitest";
import { callGraph, NAMES, WORKLOADS } from "../kubernetes/call-graph.ts";
import { NATS } from "../kubernetes/network-policies.ts";
import { connected } from "./pod-checks.ts";
import type { SmokeCluster } from "./smoke-cluster.ts";

const ALLOWED = [
  ...callGraph().map(({ from, to }) => `${from} > ${to}`),
  ...NAMES.filter((name) => WORKLOADS[name].stores).map((name) => `${name} > postgres`),
  ...NATS.users.map((name) => `${name} > nats`),
];

/** A cluster of one pod of each name, in which these ways are open. */
function clusterWhere(open: readonly string[]): SmokeCluster {
  const cluster: Pick<SmokeCluster, "pods" | "exec"> = {
    pods: async (name = "") => [{ metadata: { name }, status: { podIP: "10.0.0.1" } }],
    async exec(from, ...command) {
      const targets: { name: string }[] = JSON.parse(command.at(-1) ?? "");
      return JSON.stringify(Object.fromEntries(targets.map(({ name }) => [name, open.includes(`${from} > ${name}`)])));
    },
  };
  return cluster as SmokeCluster;
}

test("61: ways that are open as the contracts say are counted", async () => {
  const { open, closed } = await connected(clusterWhere(ALLOWED), "stranger");
  expect(open).toBe(ALLOWED.length);
  expect(closed).toBeGreaterThan(3 * open);
});

for (const way of ["stranger > payment", "order > processor", "gateway > postgres", "order > payment's metrics"]) {
  test(`61: ${way} may not be open`, async () => {
    await expect(connected(clusterWhere([...ALLOWED, way]), "stranger")).rejects.toThrow(`${way} is open`);
  });
}

test("61: order may not be kept from payment", async () => {
  const others = ALLOWED.filter((way) => way !== "order > payment");
  await expect(connected(clusterWhere(others), "stranger")).rejects.toThrow("order > payment is closed");
});
