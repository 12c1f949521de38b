import type { HandleRequest } from "@tenon/transcoding";

/**
 * What holds for every answer that says nothing else: it is for the one who asked, is what it says it is, and where a
 * browser shows it it runs nothing, is in no frame and tells nobody where it was. Strict-Transport-Security is for
 * whoever ends TLS in front of this.
 */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export const withSecurityHeaders =
  (handle: HandleRequest): HandleRequest =>
  async (request) => {
    const response = await handle(request);
    return { ...response, headers: { ...HEADERS, ...response.headers } };
  };
