export interface KeyRotationOptions {
  now: Date;
  /** How long a key signs. */
  rotationMs: number;
  /** How long a key is still published after it signed last: the life of an access token and some for clocks and caches. */
  keepMs: number;
}

export interface KeyRotation {
  /** When new keys begin to sign. */
  readonly add: readonly Date[];
  /** Ids of keys that nothing needs any more. */
  readonly drop: readonly string[];
}

/** How long a new key is published, at least, before it signs: whoever verifies tokens must have had time to fetch it. */
const LEAD_MS = 300_000;

/**
 * What must be done for one key to sign now, the next to be known before it does, and old ones to stay for as long as
 * their tokens. Done late (nobody called for long), the present key signs on until the next one has been published.
 */
export function planRotation(
  keys: readonly { kid: string; signsFrom: Date }[],
  { now, rotationMs, keepMs }: KeyRotationOptions,
): KeyRotation {
  const inOrder = keys.toSorted((a, b) => a.signsFrom.getTime() - b.signsFrom.getTime());
  const last = inOrder.at(-1);
  const nowMs = now.getTime();
  if (!last) return { add: [now, new Date(nowMs + rotationMs)], drop: [] };

  const lastMs = last.signsFrom.getTime();
  const nextMs = Math.max(lastMs + rotationMs, nowMs + Math.min(LEAD_MS, rotationMs));
  return {
    add: lastMs <= nowMs ? [new Date(nextMs)] : [],
    drop: inOrder
      .filter((_, index) => {
        const successor = inOrder[index + 1];
        return successor !== undefined && successor.signsFrom.getTime() + keepMs <= nowMs;
      })
      .map(({ kid }) => kid),
  };
}
