/** A typed key of a call's values. */
export interface ContextKey<T> {
  readonly name: string;
  readonly defaultValue: T;
}

/** A new key; what it names on a call where it was not set is `defaultValue`. */
export const createContextKey = <T>(name: string, defaultValue: T): ContextKey<T> => ({ name, defaultValue });

/**
 * Whether a client's channel may retry this call. Calls made while another is served are not: retries on every hop would
 * multiply, so only the first hop retries.
 */
export const retriesAllowed = createContextKey("retries allowed", true);

/** What interceptors and the handler of one call tell each other: the principal, the request id. */
export interface ContextValues {
  get<T>(key: ContextKey<T>): T;
  set<T>(key: ContextKey<T>, value: T): void;
}

export function createContextValues(): ContextValues {
  const values = new Map<ContextKey<unknown>, unknown>();
  return {
    get: <T>(key: ContextKey<T>) => (values.has(key) ? (values.get(key) as T) : key.defaultValue),
    set: (key, value) => void values.set(key, value),
  };
}
