import { AsyncResource } from "node:async_hooks";
import { type Code, StatusError } from "@tenon/errors";
import { Answer, type Call, type CallHooks, type CallStatus, type Interceptor, type Method, NO_HOOKS } from "./call.ts";
import { type ContextValues, createContextValues } from "./context-values.ts";
import { createMetadata, type Metadata } from "./metadata.ts";

/** Hears of errors that no caller can be told. */
export type OnError = (error: unknown) => void;

/** Where nobody listens for errors that cannot be told, they become a warning of the process. */
export const warn: OnError = (error) => process.emitWarning(error instanceof Error ? error : String(error));

/** Longest delay of a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Towards the handler on a server, towards the wire on a client; and back. */
const INWARD = 1;
const OUTWARD = -1;

/**
 * What both sides of a call share: its hooks, each entered inside the `run` of those before it, and its one end.
 * A class, because it is made for each call on the hot path.
 */
export abstract class HookedCall implements Call {
  abstract readonly side: "client" | "server";
  abstract readonly peer: string;
  abstract readonly peerUris: readonly string[];
  readonly method: Method;
  deadline = Number.POSITIVE_INFINITY;
  requestMetadata!: Metadata;
  status: CallStatus | undefined;
  protected headers: Metadata | undefined;
  protected endMetadata: Metadata | undefined;
  private readonly chain: readonly Interceptor[];
  /** Those whose `onStart` has completed, from the outermost: they are owed an `onEnd`. */
  private readonly hooks: CallHooks[] = [];
  protected readonly onError: OnError;
  private timer: NodeJS.Timeout | undefined;
  private resource: AsyncResource | undefined;
  private runs = false;
  private controller: AbortController | undefined;
  private abortReason: StatusError | undefined;
  private contextValues: ContextValues | undefined;
  private finishers: (() => void)[] | undefined;

  constructor(method: Method, chain: readonly Interceptor[], onError: OnError) {
    this.method = method;
    this.chain = chain;
    this.onError = onError;
  }

  get responseHeaders(): Metadata {
    this.headers ??= createMetadata();
    return this.headers;
  }
  get trailers(): Metadata {
    this.endMetadata ??= createMetadata();
    return this.endMetadata;
  }
  get values(): ContextValues {
    this.contextValues ??= createContextValues();
    return this.contextValues;
  }
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }
  get ended(): boolean {
    return this.status !== undefined;
  }

  abstract abort(error: unknown): void;
  /** Every `onStart` has passed. */
  protected abstract proceed(): void;
  /** Hook set `index` answers in place of what lies further in. */
  protected abstract reply(index: number, message: unknown): void;

  /** Starts the hook sets of the chain from `index` on, each inside the `run` of the one before. */
  protected enter(index: number): void {
    const { chain, hooks } = this;
    for (let i = index; i < chain.length; i++) {
      let set: CallHooks;
      let verdict: unknown;
      try {
        set = (chain[i] as Interceptor)(this);
        if (set === NO_HOOKS) continue;
        verdict = set.onStart?.();
      } catch (error) {
        this.abort(error);
        return;
      }
      if (isPromise(verdict)) {
        this.watchDeadline();
        verdict.then(
          (value) => this.entered(set, i + 1, value),
          (error) => this.abort(error),
        );
        return;
      }
      if (verdict !== undefined || this.ended || set.run) {
        this.entered(set, i + 1, verdict);
        return;
      }
      hooks.push(set);
    }
    if (this.runs) this.resource = new AsyncResource("tenon.call");
    this.proceed();
  }

  /** `onStart` of a set has completed; `next` in the chain is the one further in. */
  private entered(set: CallHooks, next: number, verdict: unknown): void {
    if (this.ended) {
      // The call ended while this onStart was under way: what it acquired is still to be released.
      this.endSet(set);
      return;
    }
    this.hooks.push(set);
    if (verdict instanceof Answer) this.reply(this.hooks.length - 1, verdict.message);
    else if (set.run) this.enterInside(set, next);
    else this.enter(next);
  }

  private enterInside(set: CallHooks, next: number): void {
    let calls = 0;
    this.runs = true;
    try {
      set.run?.(() => {
        calls += 1;
        if (calls === 1) this.enter(next);
      });
      if (calls !== 1) throw new Error(`run called next ${calls} times, not once`);
    } catch (error) {
      this.abort(error);
    }
  }

  /** Runs `work` inside all `run`s. */
  protected inside(work: () => void): void {
    if (this.resource) this.resource.runInAsyncScope(work);
    else work();
  }

  /** Shows a message to the sets from `index` in one direction, then calls `done`. Nothing is done once the call has ended. */
  protected show(event: "onSend" | "onReceive", index: number, step: 1 | -1, message: unknown, done: () => void): void {
    const { hooks } = this;
    for (let i = index; i >= 0 && i < hooks.length; i += step) {
      const set = hooks[i] as CallHooks;
      let verdict: unknown;
      try {
        // By name, because a look-up by a variable costs each set of each call several times as much.
        verdict = event === "onSend" ? set.onSend?.(message) : set.onReceive?.(message);
      } catch (error) {
        this.abort(error);
        return;
      }
      if (this.ended) return;
      if (isPromise(verdict)) {
        this.watchDeadline();
        verdict.then(
          (value) => {
            if (this.ended) return;
            if (value instanceof Answer) this.reply(i, value.message);
            else this.inside(() => this.show(event, i + step, step, message, done));
          },
          (error) => this.abort(error),
        );
        return;
      }
      if (verdict instanceof Answer) {
        this.reply(i, verdict.message);
        return;
      }
    }
    done();
  }

  protected showInward(event: "onSend" | "onReceive", message: unknown, done: () => void): void {
    if (this.hooks.length === 0) done();
    else this.inside(() => this.show(event, 0, INWARD, message, done));
  }

  /** `from` is the innermost set that sees it. */
  protected showOutward(
    event: "onSend" | "onReceive",
    message: unknown,
    done: () => void,
    from = this.hooks.length - 1,
  ): void {
    if (from < 0) done();
    else this.inside(() => this.show(event, from, OUTWARD, message, done));
  }

  /** Ends the call at its deadline. For when nothing below does: while a hook holds it, and where one has tightened it. */
  protected watchDeadline(): void {
    this.unwatchDeadline();
    if (this.deadline === Number.POSITIVE_INFINITY) return;
    const leftMs = Math.max(0, this.deadline - Date.now());
    this.timer = setTimeout(lookAtDeadline, Math.min(MAX_TIMER_MS, leftMs), this);
  }

  protected unwatchDeadline(): void {
    clearTimeout(this.timer);
  }

  lookAtDeadline(): void {
    if (this.deadline > Date.now()) this.watchDeadline();
    else this.abort(new StatusError("DEADLINE_EXCEEDED", "Deadline exceeded"));
  }

  /** The one end of a call. `abortWork`: whatever still runs for it has lost its purpose. */
  protected finish(code: Code, message: string, error: unknown, abortWork: boolean): void {
    this.status = { code, message, error };
    this.unwatchDeadline();
    if (this.hooks.length > 0) {
      this.inside(() => {
        for (let i = this.hooks.length - 1; i >= 0; i--) this.endSet(this.hooks[i] as CallHooks);
      });
    }
    if (abortWork) {
      this.abortReason = new StatusError(code === "OK" ? "CANCELLED" : code, message || "the call has ended");
      this.controller?.abort(this.abortReason);
    }
    for (const finisher of this.finishers ?? []) finisher();
  }

  /** Runs `work` once, when the call is over. */
  whenFinished(work: () => void): void {
    if (this.ended) {
      work();
    } else {
      this.finishers ??= [];
      this.finishers.push(work);
    }
  }

  private endSet(set: CallHooks): void {
    try {
      set.onEnd?.(this.status as CallStatus);
    } catch (error) {
      this.onError(error);
    }
  }
}

const lookAtDeadline = (call: HookedCall): void => call.lookAtDeadline();

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
