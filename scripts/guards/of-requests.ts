import type { Guard } from "./guard.ts";

const ONCE = "packages/database/src/idempotency/request-record.ts";

/** A request that is repeated has one effect. */
export const requestGuards: readonly Guard[] = [
  {
    name: "a request id is locked while its request is at work",
    file: ONCE,
    on: "if (!locks.rows[0]?.locked) throw",
    off: "if (locks.rows.length > 1) throw",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "a request id is refused for another request",
    file: ONCE,
    on: "if (!sameFingerprint(record.fingerprint, key.fingerprint)) throw reused();",
    off: "",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "who lost the lease of a request does not settle it",
    file: ONCE,
    on: "if (records.rows[0]?.lease !== leaseId) throw inProgress(RETRY_DELAY_MS);",
    off: "",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "who holds the lease of a request is not overtaken",
    file: ONCE,
    on: "if (leftMs > 0 && leftMs <= LONGEST_LEASE_MS) throw",
    off: "if (leftMs > 0 && leftMs < 0) throw",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "a lease of a clock that was wrong keeps no request from being resumed",
    file: ONCE,
    on: "leftMs > 0 && leftMs <= LONGEST_LEASE_MS",
    off: "leftMs > 0",
    tests: "packages/database/src/idempotency/once",
  },
  {
    name: "of rivals for a request the failed one's answer does not replace the first one's",
    file: "packages/database/src/idempotency/once.ts",
    on: 'return held.kind === "done" ? { outcome: held.outcome, replayed: true } : then(tx, held.resumed);',
    off: 'return then(tx, held.kind === "mine" && held.resumed);',
    tests: "packages/database/src/idempotency/once",
  },
];
