// `make smoke`: the platform in containers, from nothing to orders that survive what is done to it, and down again; then with mutual TLS.

import { createComposeProject } from "./compose-project.ts";
import { runMtlsSteps } from "./mtls-steps.ts";
import { choosePorts } from "./published-ports.ts";
import { SmokeFailure } from "./smoke-failure.ts";
import { runSteps } from "./smoke-steps.ts";
import { createStepLog } from "./step-log.ts";
import { formatTable } from "./step-table.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) say("Stopping: everything is taken down first.");
    stop.abort(new SmokeFailure(`ended by ${signal}`));
  });
}

const RUNS = [
  { title: "docker-compose.yml", run: runSteps },
  {
    title: "docker-compose.mtls.yml over it",
    run: runMtlsSteps,
    files: ["docker-compose.mtls.yml"],
    // So short that each run of the certificate service renews them.
    env: { CERTIFICATE_LIFETIME: "5m" },
  },
];

try {
  const ports = await choosePorts({ onTaken: say });
  const shared = { ports, signal: stop.signal, onProgress: say };
  const tables: string[] = [];
  for (const { title, run, ...more } of RUNS) {
    say(`\n${title}`);
    await using project = await createComposeProject({ name: "tenon-smoke", ...shared, ...more });
    const log = createStepLog(shared);
    await log.step("images built", () => project.build());
    await run({ project, log, ports, signal: stop.signal });
    tables.push(`${title}\n\n${formatTable(log.steps)}`);
  }
  say(`\n${tables.join("\n\n")}\n`);
} catch (error) {
  const reason = stop.signal.aborted ? stop.signal.reason : error;
  if (!(reason instanceof SmokeFailure)) throw reason;
  process.stderr.write(`smoke: ${reason.message}\n`);
  process.exitCode = 1;
}
