import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { createClient, createMetadata, createServer, type Interceptor } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { expect, onTestFinished, test } from "vitest";
import { greeter, recordLog } from "./greeter-fixture.ts";
import {
  circuitBreaker,
  loadShedding,
  logging,
  onlyFor,
  propagation,
  rateLimit,
  serverTiming,
  withOption,
} from "./index.ts";

const { logger } = recordLog();
const PLENTY = { perSecond: 1000, burst: 1000 };
const broken = (): never => {
  throw new Error("a bug in a callback");
};

/** What a callback that throws costs: where it decides, the call; where it only tells, nothing. */
const CALLBACKS: Record<string, { server?: Interceptor; client?: Interceptor; code: "OK" | "INTERNAL" }> = {
  "logging: decide": { server: logging(logger, { decide: broken }), code: "OK" },
  "logging: serverLevel": { server: logging(logger, { serverLevel: broken }), code: "OK" },
  "logging: random": { server: logging(logger, { sampleOk: 0.5, random: broken }), code: "OK" },
  "logging: clientLevel": { client: logging(logger, { clientLevel: broken }), code: "OK" },
  "serverTiming: allow": { server: serverTiming({ allow: broken }), code: "OK" },
  "propagation: newRequestId": { server: propagation({ newRequestId: broken }), code: "INTERNAL" },
  "rateLimit: keyOf": { server: rateLimit({ classes: { read: PLENTY }, keyOf: broken }), code: "INTERNAL" },
  "loadShedding: priorityOf": { server: loadShedding({ priorityOf: broken }), code: "INTERNAL" },
  "onlyFor: match": { server: onlyFor(broken, logging(logger)), code: "INTERNAL" },
  "onlyFor: match, on a client": { client: onlyFor(broken, circuitBreaker()), code: "INTERNAL" },
  "withOption: test": { server: onlyFor(withOption(optionsv1.method, broken), logging(logger)), code: "INTERNAL" },
};

for (const [name, { server, client, code }] of Object.entries(CALLBACKS)) {
  test(`${name}: one that throws ${code === "OK" ? "costs nothing" : "ends its call as INTERNAL"} and is heard of`, async () => {
    const heard: unknown[] = [];
    const onError = (error: unknown) => void heard.push(error);
    const ends: { code: string; error: unknown }[] = [];
    const witness: Interceptor = () => ({ onEnd: (status) => void ends.push(status) });
    const of = (interceptor?: Interceptor) => [witness, ...(interceptor ? [interceptor] : [])];
    const target = createServer({ services: [greeter(() => {})], interceptors: of(server), onError });
    const greetings = createClient(greeterv1.GreetingService, { target, interceptors: of(client), onError });
    onTestFinished(async () => {
      greetings.close();
      await target.close({ graceMs: 0 });
    });
    for (let n = 0; n < 2; n++) {
      const outcome = await greetings
        .greet({ name: "Ada" }, { metadata: createMetadata({ "x-server-timing": "1" }) })
        .then(
          () => "OK",
          (error: { code: string; message: string }) => {
            expect(error.message).not.toContain("bug");
            return error.code;
          },
        );
      expect(outcome).toBe(code);
    }
    const causes = [...heard, ...ends.map(({ error }) => error)].map((error) => {
      const { message, cause } = (error ?? {}) as { message?: string; cause?: { message?: string } };
      return [message, cause?.message];
    });
    expect(causes.flat()).toContain("a bug in a callback");
    expect(ends.every((end) => end.code === code)).toBe(true);
  });
}
