import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { formatSteps } from "./cluster-table.ts";
import { findKubectl } from "./kubectl-command.ts";
import { assertOnlyIn, createSmokeCluster } from "./smoke-cluster.ts";

/** Makes the namespace where kubectl is this shell script; resolves with why it did not, and what kubectl was asked for. */
async function startWith(kubectl: string | undefined) {
  const path = await mkdtemp(join(tmpdir(), "tenon-kubernetes-smoke-"));
  onTestFinished(() => rm(path, { recursive: true }));
  const asked = join(path, "asked");
  if (kubectl !== undefined) {
    await writeFile(join(path, "kubectl"), `#!/bin/sh\necho "$*" >> ${asked}\n${kubectl}\n`);
    await chmod(join(path, "kubectl"), 0o755);
  }
  vi.stubEnv("PATH", kubectl === undefined ? path : `${path}${delimiter}${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const options = { namespace: "tenon-smoke", signal: AbortSignal.timeout(60_000), keep: true, onProgress: () => {} };
  const failure = await findKubectl(options)
    .then((kubectl) => createSmokeCluster({ ...options, kubectl }))
    .then(
      () => "",
      (error: Error) => error.message,
    );
  return { failure, asked: await readFile(asked, "utf8").catch(() => "") };
}

const NO_CONTEXT = 'case "$*" in *current-context*) exit 1;; esac';
const NO_CLUSTER = 'case "$*" in *request-timeout*) echo "connection refused" >&2; exit 1;; esac';
/** Renders nothing, and has a namespace of that name. */
const theirs = (labels: string) =>
  `case "$*" in *"get namespaces"*) echo '{"items":[{"metadata":{"name":"tenon-smoke","labels":${labels}}}]}';; esac`;

for (const [what, kubectl, line] of [
  ["without kubectl", undefined, /^kubectl is not on the path: /],
  ["without a context", NO_CONTEXT, /^kubectl has no current context: /],
  ["where no cluster answers", NO_CLUSTER, /^no cluster answers in the context .*connection refused$/],
  ["where somebody has its namespace", theirs("{}"), /^there is a namespace tenon-smoke that this test/],
] as const) {
  test(`${what} it says so and has changed nothing`, async () => {
    const { failure, asked } = await startWith(kubectl);
    expect(failure).toMatch(line);
    expect(asked).not.toMatch(/\b(apply|delete|create|scale)\b/);
  });
}

test("what an earlier run left is removed, and every command is for its own namespace", async () => {
  const { failure, asked } = await startWith(theirs('{"app.kubernetes.io/managed-by":"tenon-kubernetes-smoke"}'));
  expect(failure).toBe("");
  const commands = asked.trimEnd().split("\n");
  expect(commands).toContainEqual("--namespace=tenon-smoke delete namespace tenon-smoke");
  for (const command of commands.filter((each) => /\b(delete|get)\b/.test(each))) {
    expect(command).toMatch(/^--namespace=tenon-smoke /);
  }
});

test("a manifest of another namespace is refused before any is applied", () => {
  const manifests = [{ kind: "Service", metadata: { name: "order", namespace: "production" } }];
  expect(() => assertOnlyIn("tenon-smoke", manifests)).toThrow("Service order is not of the namespace tenon-smoke");
});

test("the table has what the customer met beside what was done", () => {
  const tally = { calls: 120, failed: 0, longestPauseMs: 1234 };
  expect(
    formatSteps([
      { name: "ready", seen: "", seconds: 30.04 },
      { name: "rolled", seen: "each pod replaced", seconds: 9, tally },
    ]).split("\n"),
  ).toEqual([
    "step    calls  failed  longest pause  seconds  seen",
    "ready                                    30.0",
    "rolled    120       0         1.23 s      9.0  each pod replaced",
  ]);
});
