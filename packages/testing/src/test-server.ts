import type { DescService } from "@bufbuild/protobuf";
import {
  type Client,
  createClient,
  createServer,
  type Implementation,
  type Interceptor,
  methodsOf,
  type Server,
} from "@tenon/grpc";
import { serviceToken, standardServer } from "@tenon/interceptors";
import { createLogger, type Logger } from "@tenon/logger";
import { Registry } from "prom-client";
import { createTestIssuer, type TestIssuer, type TestUser } from "./test-issuer.ts";

export interface TestServerOptions {
  /** The service's name, for which its callers' tokens are meant. */
  name: string;
  services: readonly Implementation[];
  /** Who signs its callers' tokens; by default one of its own. */
  issuer?: TestIssuer;
  /** By default a silent one. */
  logger?: Logger;
}

export interface TestServer extends AsyncDisposable {
  readonly server: Server;
  readonly issuer: TestIssuer;
  readonly registry: Registry;
  /** A client whose calls are a user's or a service's; by default nobody's. It closes with the server. */
  connect<S extends DescService>(service: S, caller?: TestUser | { service: string }): Client<S>;
  close(): Promise<void>;
}

/** Services behind the standard chain, as in their process, and reached without a port. */
export function testServer(options: TestServerOptions): TestServer {
  const { name, services, issuer = createTestIssuer() } = options;
  const { logger = createLogger({ name: "test", level: "silent" }) } = options;
  const registry = new Registry();
  const auth = issuer.verifiers(name);
  const interceptors = standardServer({ logger, registry, methods: methodsOf(services), auth });
  const server = createServer({ services, interceptors });
  const clients: { close(): void }[] = [];
  const close = async () => {
    for (const client of clients) client.close();
    await server.close({ graceMs: 0 });
  };
  return {
    server,
    issuer,
    registry,
    connect(service, caller) {
      const client = createClient(service, { target: server, interceptors: caller ? [proofOf(caller)] : [] });
      clients.push(client);
      return client;
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  function proofOf(caller: TestUser | { service: string }): Interceptor {
    if ("service" in caller) return serviceToken(issuer.serviceTokens(caller.service), name);
    const token = issuer.userToken(caller);
    return ({ requestMetadata }) => ({
      onStart: async () => requestMetadata.set("authorization", `Bearer ${await token}`),
    });
  }
}
