export { uniqueViolation } from "./database-errors.ts";
export { type DeleteExpiredOptions, deleteExpired } from "./idempotency/delete-expired.ts";
export { type Answered, createOnce, type Once, type OnceOptions, type Steps } from "./idempotency/once.ts";
export type { Caller, IdentifiedRequest } from "./idempotency/request-key.ts";
export { createListener, type Listener, type ListenerOptions, type Subscriber } from "./listener.ts";
export { type MigrateOptions, migrate } from "./migrate.ts";
export { databaseMigrations, type Migration, readMigrations } from "./migration-files.ts";
export { type OpenDatabaseOptions, openDatabase, ping, withSignal } from "./open-database.ts";
export {
  type DecodePageTokenOptions,
  decodePageToken,
  type EncodePageTokenOptions,
  encodePageToken,
} from "./paging/page-token.ts";
export { createPaging, type Page, type Paged, type Paging } from "./paging/paging.ts";
export { readPage } from "./paging/read-page.ts";
export { type PrepareDatabaseOptions, prepareDatabase } from "./prepare-database.ts";
export { sendTogether, sendWithNext } from "./send-together.ts";
