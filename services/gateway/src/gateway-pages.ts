import { readFile } from "node:fs/promises";
import type { StaticFile } from "./static-files.ts";

/** Scripts and styles are files of this gateway, nothing is embedded in another's page, and forms go nowhere by themselves. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const JAVASCRIPT = "text/javascript; charset=utf-8";

const FILES: readonly (readonly [path: string, contentType: string, file: string])[] = [
  ["/", HTML, "./pages/index.html"],
  ["/pages.css", CSS, "./pages/pages.css"],
  ["/order-form.js", JAVASCRIPT, "./pages/order-form.js"],
  ["/docs", HTML, "./pages/docs.html"],
  ["/docs/docs-page.js", JAVASCRIPT, "./pages/docs-page.js"],
  ["/docs/swagger-ui.css", CSS, "swagger-ui-dist/swagger-ui.css"],
  ["/docs/swagger-ui-bundle.js", JAVASCRIPT, "swagger-ui-dist/swagger-ui-bundle.js"],
];

/** The start page with its order form, and the docs page: everything that they load comes from here. */
export async function readGatewayPages(): Promise<Record<string, StaticFile>> {
  const pages = FILES.map(async ([path, contentType, file]) => {
    const body = await readFile(new URL(import.meta.resolve(file)), "utf8");
    const headers = contentType === HTML ? { "content-security-policy": POLICY } : {};
    return [path, { contentType, body, headers }] as const;
  });
  return Object.fromEntries(await Promise.all(pages));
}
