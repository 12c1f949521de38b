import type { Method } from "@tenon/grpc";

/** `derive`, worked out once for each method: what a contract says does not change between calls. */
export function perMethod<T>(derive: (method: Method) => T): (method: Method) => T {
  // By object, not by path: the bridge keeps one object for each method that it serves or calls, and one made for a path
  // that a stranger invented goes with its call.
  const known = new WeakMap<Method, { readonly value: T }>();
  return (method) => {
    const found = known.get(method);
    if (found !== undefined) return found.value;
    const value = derive(method);
    known.set(method, { value });
    return value;
  };
}
