import { createHmac } from "node:crypto";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@tenon/logger";
import { type Attached, attach } from "./attach.ts";
import { locateBinaries } from "./binaries.ts";
import { openCluster } from "./cluster.ts";
import { ensureDatabase, type Tenant } from "./ensure-database.ts";
import { choosePlace } from "./place.ts";
import { stopPostmaster } from "./postmaster.ts";

export interface EmbeddedOptions {
  /** Where its data is kept, and nothing else; made where it is missing. Belongs to one process at a time. */
  directory: string;
  logger: Logger;
  /** Hears what takes time and what is out of the ordinary, a line each. */
  onProgress?: (line: string) => void;
  /** Whether what is committed survives a crash of the machine; by default it does. A crash of a process it always does. */
  durable?: boolean;
  /** By default 100. */
  maxConnections?: number;
}

/** A PostgreSQL server of ours, as long as this process lives or until it is closed. */
export interface Embedded {
  /** Of a database, for a role that `ensureDatabase` made. The same at every start, but for the port. */
  url(database: string, role: string): string;
  /** Of the database `postgres`, for the superuser. */
  readonly adminUrl: string;
  /** Makes a database and a role that owns it, unless they are there; no other role can connect to it. Resolves with the URL. */
  ensureDatabase(tenant: Tenant): Promise<string>;
  /** Stops the server; its connections are ended. */
  close(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes as an npm package, on a port of its own on the loopback address, with a random
 * password that is kept beside the data. A server that a killed process left behind is taken over; one that dies is
 * started again on the same port. It is in a session of its own, so that Ctrl-C in a terminal reaches this process only,
 * which then closes it when it is ready to. Rejects with a StartError where the person who starts it can help: another
 * process uses the directory, or what is in it is damaged or not ours.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { logger, onProgress = () => {}, durable = true, maxConnections = 100 } = options;
  const place = await choosePlace({
    directory: resolve(options.directory),
    binaries: await locateBinaries(),
    onProgress,
  });
  const cluster = await openCluster(place, { onProgress, durable });
  const settings = { durable, maxConnections };
  const ended = new AbortController();
  let attached: Attached = await attach(cluster, { settings, onProgress });
  const { port } = attached;
  let restarting: Promise<void> | undefined;

  const watch = (server: Attached) => {
    server.admin.once("end", () => {
      if (ended.signal.aborted) return;
      logger.error({ "postgres.pid": server.pid }, "the embedded PostgreSQL was lost and is started again");
      restarting = restart();
    });
  };
  const restart = async () => {
    for (let waitMs = 100; !ended.signal.aborted; waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        attached = await attach(cluster, { settings, port, onProgress: () => {} });
        logger.warn({ "postgres.pid": attached.pid }, "the embedded PostgreSQL runs again");
        return watch(attached);
      } catch (error) {
        logger.error({ err: error }, "the embedded PostgreSQL does not start");
        await delay(waitMs, undefined, { signal: ended.signal }).catch(() => {});
      }
    }
  };
  watch(attached);

  const urlOf = (database: string, role: string, password: string) =>
    `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
  // A password for each role without a list of them: each is made from the one that is kept.
  const passwordOf = (role: string) => createHmac("sha256", cluster.password).update(role).digest("base64url");
  const url = (database: string, role: string) => urlOf(database, role, passwordOf(role));

  return {
    url,
    adminUrl: urlOf("postgres", "postgres", cluster.password),
    async ensureDatabase(tenant) {
      await restarting;
      await ensureDatabase(attached.admin, tenant, passwordOf(tenant.role));
      return url(tenant.database, tenant.role);
    },
    async close() {
      if (ended.signal.aborted) return;
      ended.abort();
      await restarting;
      await stopPostmaster(cluster, attached.pid);
      await attached.admin.end().catch(() => {});
    },
  };
}
