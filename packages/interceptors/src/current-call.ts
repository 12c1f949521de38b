import { AsyncLocalStorage } from "node:async_hooks";
import { context, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Call } from "@tenon/grpc";

const storage = new AsyncLocalStorage<Call | undefined>();

/** The server call on whose behalf this code runs, where `propagation` is in the server's chain. */
export const currentCall = (): Call | undefined => storage.getStore();

/**
 * Runs `fn` on nobody's behalf. Whatever outlives a call (timers, pools, workers, caches that fill themselves) is made
 * so or at start; made inside a call, it would act for that call, with its deadline, cancellation and trace, for ever.
 */
export const detached = <T>(fn: () => T): T => storage.run(undefined, () => context.with(ROOT_CONTEXT, fn));

/** Runs `fn`, and all that it starts, on behalf of `call`. */
export const onBehalfOf = <T>(call: Call, fn: () => T): T => storage.run(call, fn);
