import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** What we rely on in a service of docker-compose.yml. */
export interface ComposeService {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly build?: { context: string; args: { SERVICE: string } };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly (string | { source: string; read_only?: boolean })[];
  readonly networks?: Readonly<Record<string, { aliases?: readonly string[]; ipv4_address?: string }>>;
  readonly network_mode?: string;
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck?: { test: readonly string[] };
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly cpus?: number;
  readonly pids_limit?: number;
  readonly stop_grace_period?: string;
}

const ROOT = join(import.meta.dirname, "..");

/** The services of a compose file by their names. Variables stand as they are written. */
export const readComposeServices = (file = "docker-compose.yml"): ReadonlyMap<string, ComposeService> =>
  new Map(Object.entries(parse(readFileSync(join(ROOT, file), "utf8"), { merge: true }).services));

/** The instructions of the Dockerfile, one a line, without comments. */
export const readDockerfile = (): readonly string[] =>
  readFileSync(join(ROOT, "Dockerfile"), "utf8")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
