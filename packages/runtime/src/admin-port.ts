import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "@tenon/logger";
import type { Readiness } from "./readiness.ts";

export interface AdminPortOptions {
  readiness: Pick<Readiness, "report">;
  /** The metrics page. */
  metrics(): Promise<{ contentType: string; text: string }>;
  /** Learns why a page could not be made. */
  logger: Logger;
}

export interface AdminPort {
  listen(address: { host: string; port: number }): Promise<number>;
  /** Cuts what is open. */
  close(): Promise<void>;
}

interface Page {
  status: number;
  contentType: string;
  body: string;
}

/**
 * The port for those who run the process: /metrics for Prometheus, /healthz (it lives: 200) and /readyz (it takes calls:
 * 200, else 503, with each check by name). Plain HTTP, for GET and HEAD. Not meant for the outside: nobody has to prove who they are.
 */
export function createAdminPort({ readiness, metrics, logger }: AdminPortOptions): AdminPort {
  const pages: Readonly<Record<string, () => Page | Promise<Page>>> = {
    "/metrics": async () => {
      const { contentType, text } = await metrics();
      return { status: 200, contentType, body: text };
    },
    "/healthz": () => text(200, "ok"),
    "/readyz": () => {
      const report = readiness.report();
      return { status: report.ready ? 200 : 503, contentType: JSON_TYPE, body: `${JSON.stringify(report)}\n` };
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const path = (request.url ?? "").split("?", 1)[0] as string;
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return send(response, text(404, "not found"));
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(response, text(405, "method not allowed"));
    }
    send(response, await page());
  }

  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 10_000, connectionsCheckingInterval: 1000, maxHeaderSize: 8192 },
    (request, response) => {
      answer(request, response).catch((err) => {
        logger.error({ err, path: request.url }, "an admin page cannot be made");
        send(response, text(500, "internal error"));
      });
    },
  );
  server.keepAliveTimeout = 5000;
  server.maxRequestsPerSocket = 1000;
  server.maxConnections = 100;

  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const JSON_TYPE = "application/json; charset=utf-8";

const text = (status: number, line: string): Page => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${line}\n`,
});

/** Node leaves the body out of answers to HEAD by itself. */
function send(response: ServerResponse, { status, contentType, body }: Page): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
