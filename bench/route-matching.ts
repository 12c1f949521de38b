import { createRouter, parsePathTemplate } from "@tenon/transcoding";
import { median } from "./statistics.ts";

/** How long it takes to find one route among so many. */
export interface RouteMatching {
  readonly routes: number;
  readonly nanoseconds: number;
}

const CALLS = 20_000;
const ROUNDS = 15;

/** The middle of some rounds, after the first have compiled the code. */
export const routeMatching = (): RouteMatching[] =>
  [10, 100, 1000, 10_000].map((routes) => {
    const router = createRouter(
      Array.from({ length: routes }, (_, index) => {
        const template = parsePathTemplate(`/v1/collection${index}/{id}/items/{item_id}:check`);
        return { httpMethod: "GET", template, variables: new Map(), body: undefined, responseBody: undefined } as never;
      }),
    );
    const path = `/v1/collection${routes >> 1}/0192f0c1/items/42:check`;
    const rounds = Array.from({ length: ROUNDS }, () => {
      const startedMs = performance.now();
      for (let call = 0; call < CALLS; call++) {
        if (router.match("GET", path) === undefined) throw new Error("the route is not found");
      }
      return ((performance.now() - startedMs) * 1e6) / CALLS;
    });
    return { routes, nanoseconds: median(rounds.slice(5)) };
  });
