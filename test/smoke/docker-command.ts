import { type CommandOptions, runCommand } from "./run-command.ts";
import { SmokeFailure } from "./smoke-failure.ts";

/** How a command of Docker is written here. */
export interface Docker {
  (args: readonly string[], options?: CommandOptions): Promise<string>;
  compose(args: readonly string[], options?: CommandOptions): Promise<string>;
}

/** Finds Docker and Compose. Throws a SmokeFailure where one of them is missing or does not run. */
export async function findDocker(): Promise<Docker> {
  const docker: (...args: Parameters<Docker>) => Promise<string> = (args, options) =>
    runCommand("docker", args, options);
  await runCommand("docker", ["--version"]).catch(() => {
    throw new SmokeFailure("Docker is not installed here: docker is not on the path");
  });
  await runCommand("docker", ["info"], { timeoutMs: 30_000 }).catch(() => {
    throw new SmokeFailure("Docker is installed but cannot be reached: start it, or allow this user to use it");
  });
  for (const command of [["docker", "compose"], ["docker-compose"]]) {
    const [program = "", ...first] = command;
    const compose: Docker["compose"] = (args, options) => runCommand(program, [...first, ...args], options);
    const works = await compose(["version"]).then(
      () => true,
      () => false,
    );
    if (works) return Object.assign(docker, { compose });
  }
  throw new SmokeFailure("Docker Compose is not installed here: neither `docker compose` nor `docker-compose` works");
}
