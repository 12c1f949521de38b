import { readFile } from "node:fs/promises";
import type { DescService } from "@bufbuild/protobuf";
import { StartError, systemReason } from "@tenon/errors";
import { type Client, createClient, type Interceptor } from "@tenon/grpc";
import { createServiceTokens, deadline, serviceToken } from "@tenon/interceptors";
import { readClientTls } from "@tenon/runtime";
import { OPERATOR, type OperatorConfig } from "./config.ts";

/** Whoever operates the platform: calls its services from a process apart. */
export interface Operator {
  /** A client of a service where it runs. */
  connect<S extends DescService>(name: string, service: S): Client<S>;
  /** A line for the person who looks on. */
  print(line: string): void;
  close(): void;
}

export interface OperatorOptions {
  config: OperatorConfig;
  print: (line: string) => void;
}

/** Rejects with a StartError where there is neither key nor token to prove it. */
export async function createOperator({ config, print }: OperatorOptions): Promise<Operator> {
  const proofFor = config.token === undefined ? await byKey(config.keyFile) : byToken(config.token);
  const tls = readClientTls(config.tls);
  const clients: { close(): void }[] = [];
  return {
    connect(name, service) {
      const target = config.targets[name];
      if (target === undefined) throw new Error(`there is no service ${name}`);
      const client = createClient(service, { target, tls, interceptors: [deadline(), proofFor(name)] });
      clients.push(client);
      return client;
    },
    print,
    close() {
      for (const client of clients) client.close();
    },
  };
}

const byToken = (token: string) => (): Interceptor => (call) => ({
  onStart: () => call.requestMetadata.set("authorization", `Bearer ${token}`),
});

async function byKey(path: string): Promise<(audience: string) => Interceptor> {
  try {
    const tokens = createServiceTokens({ name: OPERATOR, key: JSON.parse(await readFile(path, "utf8")) });
    return (audience) => serviceToken(tokens, audience);
  } catch (error) {
    // Not a parser's words: they quote the file.
    const why = error instanceof SyntaxError ? "is not JSON" : systemReason(error);
    throw new StartError(
      `the operator's key cannot be had (${path}: ${why}): run where make run did, or set TOKEN to an admin's access token`,
    );
  }
}
