import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { type Call, createClient, createServer } from "@tenon/grpc";
import { createLogger } from "@tenon/logger";
import { implementPart } from "@tenon/testing";
import { Registry } from "prom-client";
import { onTestFinished } from "vitest";
import { type WireGatewayOptions, wireGateway } from "./gateway-wiring.ts";

/**
 * A gateway before a greeter of this process. "held" is greeted when the test lets go, and its list never ends; "fail" is
 * ABORTED.
 */
export async function startGreetings(limits: Partial<WireGatewayOptions> = {}) {
  const [held, letGo] = [Promise.withResolvers<Call>(), Promise.withResolvers<void>()];
  const server = createServer({
    services: [
      implementPart(greeterv1.GreetingService, {
        async greet({ name }, call) {
          if (name === "held") {
            held.resolve(call);
            await letGo.promise;
          }
          if (name === "fail") throw aborted();
          return { message: `Hello ${name}` };
        },
        async *listGreetings({ names }, call) {
          for (const name of names) {
            if (name === "fail") throw aborted();
            yield { message: `Hello ${name}` };
          }
          if (!names.includes("held")) return;
          held.resolve(call);
          await letGo.promise;
        },
        async recordGreetings(requests) {
          let count = 0;
          for await (const _ of requests) count += 1;
          return { count };
        },
        async *chatGreetings(requests, call) {
          for await (const { name } of requests) {
            if (name === "held") held.resolve(call);
            if (name === "fail") throw aborted();
            yield { message: `Hello ${name}` };
          }
        },
      }),
    ],
  });
  const client = createClient(greeterv1.GreetingService, { target: server });
  const lines: { level: string; facts: Record<string, unknown> }[] = [];
  const destination = {
    write(line: string) {
      const { level, ...facts } = JSON.parse(line);
      lines.push({ level, facts });
    },
  };
  const logger = createLogger({ name: "gateway", destination });
  const registry = new Registry();
  const service = greeterv1.GreetingService;
  const backends = [{ service, client: client as unknown as WireGatewayOptions["backends"][0]["client"] }];
  const gateway = wireGateway({ backends, logger, registry, ...limits });
  const port = await gateway.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(async () => {
    letGo.resolve();
    await gateway.close({ graceMs: 0 });
    client.close();
    await server.close({ graceMs: 0 });
  });
  return { gateway, port, url: `http://127.0.0.1:${port}`, held: held.promise, letGo: letGo.resolve, lines, registry };
}

const aborted = () => new StatusError("ABORTED", "not now", { reason: "NOT_NOW" });
