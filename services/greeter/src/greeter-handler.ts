import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { type Implementation, implement } from "@tenon/grpc";
import type { GreetingService } from "./greeting-service.ts";

/** All four kinds of call: one or many in, one or many out. */
export const createGreeterHandler = (service: GreetingService): Implementation =>
  implement(greeterv1.GreetingService, {
    async greet({ name }) {
      return { message: service.greet(name) };
    },

    async *listGreetings({ names }) {
      for await (const name of service.listNames(names)) yield { message: service.greet(name) };
    },

    async recordGreetings(requests) {
      return { count: await service.record(requests) };
    },

    async *chatGreetings(requests) {
      for await (const { name } of requests) yield { message: service.greet(name) };
    },
  });
