import { StatusError } from "@tenon/errors";
import pg from "pg";

/**
 * What an error of PostgreSQL or its driver is to a caller: a StatusError where the database, not the request, is the
 * reason. Everything else stays as it is: a violated constraint is for the rules to translate, a wrong statement is a
 * bug and becomes INTERNAL. Messages hold neither SQL nor names of tables; the cause does.
 */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof StatusError) return error;
  if (error instanceof pg.DatabaseError) return fromSqlState(error);
  return isConnectionLoss(error) ? unavailable(error) : error;
}

/**
 * Whether its connection is of no more use after this error: it is lost, leads to a server that takes no changes, or knows
 * statements as they were.
 */
export function endsConnection(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return isConnectionLoss(error);
  return error.severity !== "ERROR" || error.code === READ_ONLY || isOutdated(error);
}

/** What the connection has prepared is of no more use: a table has other columns now, or somebody has discarded it. */
const isOutdated = ({ code, routine }: pg.DatabaseError): boolean =>
  code === "26000" || (code === "0A000" && routine === "RevalidateCachedQuery");

const READ_ONLY = "25006";

/** The database cannot be reached or does not take work: try again. */
export const unavailable = (cause: unknown, message = "the database is unavailable"): StatusError =>
  new StatusError("UNAVAILABLE", message, { reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1000, cause });

/** The name of the unique constraint or index that a statement violated; undefined for every other error. */
export const uniqueViolation = (error: unknown): string | undefined =>
  error instanceof pg.DatabaseError && error.code === "23505" ? (error.constraint ?? "") : undefined;

/** PostgreSQL, appendix A "Error Codes". */
function fromSqlState(error: pg.DatabaseError): unknown {
  // The row or key that a constraint refused, and so people's data: it must not reach a log by an error that nobody meant.
  error.detail = undefined;
  if (isOutdated(error)) return contention(error, "STATEMENT_OUTDATED", "the database was changed at the same time");
  const code = error.code ?? "";
  switch (code) {
    case "40001":
    case "40P01":
      return contention(error, "TRANSACTION_CONFLICT", "another change was made at the same time");
    case "55P03":
      return contention(error, "LOCK_TIMEOUT", "another change took too long");
    case "57014":
      if (!error.message.includes("statement timeout")) return unavailable(error);
      return new StatusError("DEADLINE_EXCEEDED", "the database did not answer in time", {
        reason: "STATEMENT_TIMEOUT",
        cause: error,
      });
    case READ_ONLY:
      return unavailable(error, "the database takes no changes at present");
    case "53100":
      return unavailable(error, "the database is out of space");
    case "22021":
    case "22P05":
      return new StatusError("INVALID_ARGUMENT", "text must not hold the character U+0000", {
        reason: "TEXT_NOT_STORABLE",
        cause: error,
      });
  }
  // Connection; shutdown and start; resources; who may connect, and where to; the disk; a transaction ended for idling.
  return /^(08|57P|53|28|3D000|58|25P03)/.test(code) ? unavailable(error) : error;
}

const contention = (cause: unknown, reason: string, what: string) =>
  new StatusError("ABORTED", `${what}: try again`, { reason, retryDelayMs: 50, cause });

const LOST =
  /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|ENOENT$)|^(Connection terminated|Client has encountered|Client was closed|Query read timeout|timeout exceeded when|timeout expired$|Cannot use a pool after)/;

/** pg marks lost connections by the error of the socket, or by words alone. */
function isConnectionLoss(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isConnectionLoss);
  if (!(error instanceof Error)) return false;
  return LOST.test((error as NodeJS.ErrnoException).code ?? "") || LOST.test(error.message);
}
