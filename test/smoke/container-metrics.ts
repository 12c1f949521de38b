import type { ComposeProject } from "./compose-project.ts";

/** A replica, and the admin port that it has in its container. */
export interface Replica {
  readonly service: string;
  readonly adminPort: number;
}

/** The number that a pattern finds on a replica's /metrics, which nobody outside can ask; 0 where it finds none. */
export async function readMetric(project: ComposeProject, replica: Replica, pattern: RegExp): Promise<number> {
  const script = `fetch("http://127.0.0.1:${replica.adminPort}/metrics").then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const page = await project.exec(replica.service, "node", "--eval", script);
  return Number(pattern.exec(page)?.[1] ?? 0);
}
