/** Work that a process does without being called: a saga's driver, a relay. */
export interface Worker {
  /** For log lines. */
  readonly name: string;
  /** Begins to work and returns; called once, when the process listens. Must not need a dependency that is up. */
  start(): void;
  /** Takes on nothing new and resolves when what was begun is done. Bounded by the drain: later it is left behind. */
  stop(): Promise<void>;
}
