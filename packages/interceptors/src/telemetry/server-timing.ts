import { type Call, createContextKey, type Interceptor, NO_HOOKS } from "@tenon/grpc";
import { principalOf } from "../identity/principal.ts";

export interface ServerTimingOptions {
  /** Metadata of a request that asks for it, whatever its value; by default `x-server-timing`. */
  askedBy?: string;
  /** Who may know; by default admins and services: how long a part takes can tell what it found. */
  allow?: (call: Call) => boolean;
}

const MAX_PARTS = 32;

/** The parts of a call that were timed, in milliseconds; unset where nobody asked. */
const partsKey = createContextKey<Map<string, number> | undefined>("server timing", undefined);

/**
 * Tells on a server, to a caller who asks and may know, how long the call took and its parts (see `timed`): in the trailer
 * `server-timing`, as browsers read it (W3C Server Timing), since the whole is known at the end only.
 */
export function serverTiming({
  askedBy = "x-server-timing",
  allow = isInsider,
}: ServerTimingOptions = {}): Interceptor {
  return function serverTiming(call) {
    if (call.side === "client") return NO_HOOKS;
    let startedMs = 0;
    return {
      onStart() {
        if (call.requestMetadata.get(askedBy).length === 0) return;
        startedMs = performance.now();
        call.values.set(partsKey, new Map());
      },
      onEnd() {
        const parts = call.values.get(partsKey);
        if (parts === undefined || !allow(call)) return;
        parts.set("total", performance.now() - startedMs);
        const text = [...parts].map(([name, ms]) => `${name};dur=${Math.round(ms * 1000) / 1000}`);
        call.trailers.set("server-timing", text.join(", "));
      },
    };
  };
}

/** Runs `work` as a part of the call; of parts with one name the times are added. `name` is a token of HTTP. */
export async function timed<T>(call: Pick<Call, "values">, name: string, work: () => T | Promise<T>): Promise<T> {
  const parts = call.values.get(partsKey);
  if (parts === undefined) return work();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new Error(`"${name}" is no name for a part of a call`);
  const startedMs = performance.now();
  try {
    return await work();
  } finally {
    if (parts.has(name) || parts.size < MAX_PARTS) {
      parts.set(name, (parts.get(name) ?? 0) + performance.now() - startedMs);
    }
  }
}

function isInsider(call: Call): boolean {
  const principal = principalOf(call);
  return principal.kind === "service" || (principal.kind === "user" && principal.role === "admin");
}
