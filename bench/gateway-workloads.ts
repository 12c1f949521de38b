import { isDeepStrictEqual } from "node:util";
import type { Exchange } from "./exchange.ts";
import { orderJson } from "./order-json.ts";
import { greetingOf, NAME, ORDERED, placeOrder } from "./served-work.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

const ANSWERS: Readonly<Record<string, object>> = {
  small: { message: greetingOf(NAME) },
  order: orderJson(placeOrder(ORDERED, BigInt)),
};

/** Whitespace and the order of keys are nobody's promise: protojson in Go changes its whitespace with each build. */
const restExchange = ({ path, body }: Exchange, answer: object): Exchange => ({
  path,
  body,
  accepts: (given) => isDeepStrictEqual(JSON.parse(given.toString()), answer),
});

/** The unary calls of the servers' bench, as REST: the same requests, and answers as protojson writes them. */
export const GATEWAY_WORKLOADS: readonly Workload[] = WORKLOADS.flatMap((workload) => {
  const answer = ANSWERS[workload.name];
  return answer === undefined ? [] : [{ ...workload, json: restExchange(workload.json, answer) }];
});
