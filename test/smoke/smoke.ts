// `make smoke`: the platform in containers, from nothing to orders that survive what is done to it, and down again.

import { createComposeProject } from "./compose-project.ts";
import { choosePorts } from "./published-ports.ts";
import { SmokeFailure } from "./smoke-failure.ts";
import { runSteps } from "./smoke-steps.ts";
import { formatTable } from "./step-table.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) say("Stopping: everything is taken down first.");
    stop.abort(new SmokeFailure(`ended by ${signal}`));
  });
}

try {
  const ports = await choosePorts({ onTaken: say });
  await using project = await createComposeProject({
    name: "tenon-smoke",
    ports,
    signal: stop.signal,
    onProgress: say,
  });
  const steps = await runSteps({ project, ports, signal: stop.signal, onProgress: say });
  say(`\n${formatTable(steps)}\n`);
} catch (error) {
  const reason = stop.signal.aborted ? stop.signal.reason : error;
  if (!(reason instanceof SmokeFailure)) throw reason;
  process.stderr.write(`smoke: ${reason.message}\n`);
  process.exitCode = 1;
}
