import { type CommandOptions, runCommand } from "../smoke/run-command.ts";
import { SmokeFailure } from "../smoke/smoke-failure.ts";

/** kubectl, which from here reaches one namespace only. */
export interface Kubectl {
  (args: readonly string[], options?: CommandOptions): Promise<string>;
  /** What is there of these kinds, and of these labels if given. */
  list<T>(kinds: string, selector?: string): Promise<T[]>;
  readonly context: string;
}

/** Finds kubectl and the cluster of its current context. Throws a SmokeFailure where one of them is missing. */
export async function findKubectl({ namespace, signal }: { namespace: string; signal: AbortSignal }): Promise<Kubectl> {
  await runCommand("kubectl", ["version", "--client"]).catch(() => {
    throw new SmokeFailure("kubectl is not on the path: https://kubernetes.io/docs/tasks/tools");
  });
  const context = await runCommand("kubectl", ["config", "current-context"]).catch(() => {
    throw new SmokeFailure("kubectl has no current context: kind create cluster, or minikube start, makes one");
  });
  const kubectl = (args: readonly string[], options: CommandOptions = {}) =>
    runCommand("kubectl", [`--namespace=${namespace}`, ...args], { signal, ...options });
  await kubectl(["version", "--request-timeout=20s"]).catch((error: Error) => {
    throw new SmokeFailure(`no cluster answers in the context ${context.trim()}: ${error.message}`);
  });
  return Object.assign(kubectl, {
    async list<T>(kinds: string, selector?: string) {
      const text = await kubectl(["get", kinds, "-o", "json", ...(selector ? ["-l", selector] : [])]);
      return (JSON.parse(text) as { items: T[] }).items;
    },
    context: context.trim(),
  });
}
