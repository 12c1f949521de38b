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

export const createContextValues = (): ContextValues => new LinkedValues();

interface Link {
  readonly key: ContextKey<unknown>;
  value: unknown;
  readonly next: Link | undefined;
}

/** A call has three or four values: a walk along them costs less than the Map that each call would need. */
class LinkedValues implements ContextValues {
  private first: Link | undefined;

  get<T>(key: ContextKey<T>): T {
    const link = this.find(key);
    return link === undefined ? key.defaultValue : (link.value as T);
  }

  set<T>(key: ContextKey<T>, value: T): void {
    const link = this.find(key);
    if (link) link.value = value;
    else this.first = { key, value, next: this.first };
  }

  private find(key: ContextKey<unknown>): Link | undefined {
    let link = this.first;
    while (link !== undefined && link.key !== key) link = link.next;
    return link;
  }
}
