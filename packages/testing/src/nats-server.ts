import { spawnSync } from "node:child_process";

/** Debian puts it where only root looks. */
const PROGRAMS = ["nats-server", "/usr/sbin/nats-server"];

/** How nats-server is called on this machine; undefined where it is not installed. */
export const findNatsServer = (): string | undefined =>
  PROGRAMS.find((program) => spawnSync(program, ["--version"]).status === 0);
