import type { Life, MemoryDatabase } from "@tenon/testing";
import type { Authorization, Transaction, TransactionLog } from "./transaction.ts";

export interface LogTables extends Record<string, Map<string, unknown>> {
  /** By reference. */
  transactions: Map<string, Transaction>;
  authorizations: Map<string, Authorization>;
}

/** The log in the memory of a simulation. */
export function createMemoryTransactionLog(database: MemoryDatabase<LogTables>, life: Life): TransactionLog {
  return {
    ...logOn(() => database.committed),
    atomically: (work) => database.atomically(life, (tables) => work(logIn(tables))),
  };
}

const logIn = (tables: LogTables): TransactionLog => ({
  ...logOn(() => tables),
  atomically: (work) => work(logIn(tables)),
});

function logOn(tables: () => LogTables): Omit<TransactionLog, "atomically"> {
  /** Changes what is held, where `isAllowed` says so. */
  async function change(
    id: string,
    isAllowed: (now: Authorization) => boolean,
    to: (now: Authorization) => Authorization,
  ) {
    const held = tables().authorizations.get(id);
    if (held === undefined || !isAllowed(held)) return false;
    tables().authorizations.set(id, to(held));
    return true;
  }
  const isReserved = ({ state }: Authorization) => state === "RESERVED";

  return {
    async append(transaction) {
      const { transactions } = tables();
      if (transactions.has(transaction.reference)) return false;
      transactions.set(transaction.reference, transaction);
      return true;
    },
    callBack: async () => {}, // none arrives: everything must come to rest without
    findByReference: async (reference) => tables().transactions.get(reference),
    findAuthorization: async (id) => tables().authorizations.get(id),
    async reserve(id, amount) {
      tables().authorizations.set(id, { id, state: "RESERVED", amount, refundedMinor: 0n });
    },
    capture: (id) => change(id, isReserved, (held) => ({ ...held, state: "CAPTURED" })),
    release: (id) => change(id, isReserved, (held) => ({ ...held, state: "VOIDED" })),
    refund: (id, minor) =>
      change(
        id,
        ({ state, amount, refundedMinor }) => state === "CAPTURED" && amount.minor - refundedMinor >= minor,
        (held) => ({ ...held, refundedMinor: held.refundedMinor + minor }),
      ),
    list: async ({ after, limit }) =>
      [...tables().transactions.values()]
        .map((transaction, index) => ({ transaction, position: BigInt(index + 1) }))
        .filter(({ position }) => position > after)
        .slice(0, limit),
  };
}
