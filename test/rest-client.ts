import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@tenon/logger";
import { readPlatformConfig, startPlatform } from "@tenon/platform";
import { freePorts, testDatabase } from "@tenon/testing";
import { afterAll, beforeAll, expect } from "vitest";
import { SERVICES } from "./fresh-platform.ts";

const TIMEOUT_MS = 10_000;
export const ADMIN = { email: "admin@example.com", password: "correct-horse-battery-admin" };

const undo = new AsyncDisposableStack();
afterAll(() => undo.disposeAsync());

/** Where the gateway is, once it runs. */
export let base: string;
beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tenon-gateway-"));
  undo.defer(() => rm(dataDir, { recursive: true }));
  const passwordFile = join(dataDir, "admin-password");
  await writeFile(passwordFile, ADMIN.password);
  const env: Record<string, string> = {
    DATA_DIR: dataDir,
    LOG_LEVEL: "silent",
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD_FILE: passwordFile,
  };
  const ports = await freePorts(2 * SERVICES.length);
  for (const name of SERVICES) {
    env[`${name.toUpperCase()}_PORT`] = String(ports.pop());
    env[`${name.toUpperCase()}_ADMIN_PORT`] = String(ports.pop());
    if (name === "gateway") continue;
    const database = await testDatabase({ migrations: [] });
    undo.defer(() => database.close());
    env[`${name.toUpperCase()}_DATABASE_URL`] = database.url;
  }
  const platform = await startPlatform({
    config: readPlatformConfig({ env }),
    loggerOf: ({ name, logLevel }) => createLogger({ name, level: logLevel }),
  });
  undo.defer(() => platform.close());
  base = `http://127.0.0.1:${env.GATEWAY_PORT}`;
});

interface Asked {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Routes that a test has gone through, as the contracts write them. */
export const seen = new Set<string>();

/** One request; `route` is what it is a request of. */
export async function ask(route: string, path: string, asked: Asked = {}) {
  seen.add(route);
  return send(route.split(" ")[0] as string, path, asked);
}

/** A call that is no route of REST. */
export const post = (path: string, body: unknown) => send("POST", path, { body });

async function send(method: string, path: string, { token, body, headers = {} }: Asked) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") && text !== "" ? parsed(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

// biome-ignore lint/suspicious/noExplicitAny: what comes back is looked at field by field
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const id = () => randomUUID();

export async function signUp() {
  const email = `ada-${id()}@example.com`;
  const password = "correct-horse-battery";
  const body = { request_id: id(), email, password, display_name: "Ada" };
  const { json: user, status } = await ask("POST /v1/users", "/v1/users", { body });
  expect({ status, user }).toMatchObject({ status: 200, user: { displayName: "Ada", email } });
  return { user, email, password, body, ...(await logIn(email, password)) };
}

export async function logIn(email: string, password: string) {
  const { json, status } = await ask("POST /v1/sessions", "/v1/sessions", { body: { email, password } });
  expect({ status, json }).toMatchObject({ status: 200, json: { tokenType: "Bearer" } });
  return { token: json.accessToken as string, refresh: json.refreshToken as string, session: json.sessionId as string };
}

export const reasonOf = (json: { details?: { reason?: string }[] }) =>
  json.details?.find(({ reason }) => reason)?.reason;

/** The events of a stream until one is the last that is wanted; then it is left. */
export async function watch(path: string, token: string, last: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${base}${path}`, {
    headers: { accept: "text/event-stream", authorization: `Bearer ${token}`, ...headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  seen.add("GET /v1/orders/{order_id}:watch");
  const events: { id: string; state: string }[] = [];
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const [, event, data] = /^id: (\d+)\ndata: (.*)$/.exec(part) ?? [];
      if (event !== undefined) events.push({ id: event, state: parsed(data ?? "").state });
    }
    if (events.some(({ state }) => state === last)) break;
  }
  return events;
}

/** One message over a WebSocket and the end of the requests: what came back, until it was closed. */
export async function exchange(path: string, message: string) {
  const socket = new WebSocket(`${base.replace("http", "ws")}${path}`);
  const messages: unknown[] = [];
  socket.addEventListener("message", ({ data }) => messages.push(data));
  await once(socket, "open", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  socket.send(message);
  socket.send("");
  const [{ code }] = await once(socket, "close", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { messages, code };
}
