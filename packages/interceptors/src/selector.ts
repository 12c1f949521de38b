import { type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import { perMethod } from "./per-method.ts";

/** Which methods; asked once for each, so the answer must not change. */
export type Match = (method: Method) => boolean;

/** The interceptor on methods that match, nothing on others. */
export function onlyFor(match: Match, interceptor: Interceptor): Interceptor {
  const matches = perMethod(match);
  const selected: Interceptor = (call) => (matches(call.method) ? interceptor(call) : NO_HOOKS);
  return Object.defineProperty(selected, "name", { value: interceptor.name });
}

/** The interceptor on all methods but those that match. */
export const allBut = (match: Match, interceptor: Interceptor): Interceptor =>
  onlyFor((method) => !match(method), interceptor);
