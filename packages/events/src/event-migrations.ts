/** The tables of a service that tells what happens in it. Before the service's own migrations, which use them. */
export const outboxMigrations = new URL("./outbox/migrations/", import.meta.url);

/** The tables of a service that listens to others. */
export const inboxMigrations = new URL("./inbox/migrations/", import.meta.url);
