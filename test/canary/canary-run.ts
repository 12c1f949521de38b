import { randomUUID } from "node:crypto";
import { fromJson, type JsonValue, toJsonString } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { StatusError } from "@tenon/errors";
import { type CallOptions, createClient, createMetadata, type Metadata } from "@tenon/grpc";
import { createSeededRandom, type SeededRandom } from "@tenon/testing";
import type { FreshPlatform } from "../fresh-platform.ts";
import { type CanaryCall, type CanaryUser, createCanaryCalls } from "./canary-calls.ts";
import type { LeakFinder } from "./leak-finder.ts";

export interface CanaryRunOptions {
  platform: FreshPlatform;
  finder: LeakFinder;
  calls: number;
  seed: number;
}

export interface CanaryRun {
  /** How many calls were answered and how many refused, by gRPC and by REST. */
  readonly ends: Readonly<Record<string, number>>;
  /** Answers that told somebody what is not his. */
  readonly leaks: readonly string[];
}

const USERS = 12;
const LANES = 12;
const TIMEOUT_MS = 30_000;
const WAYS = ["grpc", "rest"] as const;

/** Makes so many calls of every kind, and looks at each answer. */
export async function runCanaries({ platform, finder, calls, seed }: CanaryRunOptions): Promise<CanaryRun> {
  const { marker } = finder;
  const ends: Record<string, number> = {};
  const leaks: string[] = [];
  const base = `http://127.0.0.1:${platform.ports.gateway}`;
  const clients = new Map<string, unknown>(
    [
      [userv1.UserService, platform.ports.user],
      [userv1.SessionService, platform.ports.user],
      [orderv1.OrderService, platform.ports.order],
      [paymentv1.PaymentService, platform.ports.payment],
    ].map(([service, port]) => {
      const desc = service as typeof userv1.UserService;
      return [desc.typeName, createClient(desc, { target: `127.0.0.1:${port}` })];
    }),
  );

  async function byGrpc({ method, request, authorization }: CanaryCall): Promise<Answer> {
    type Invoke = (message: object, options: CallOptions) => Promise<never>;
    const invoke = (clients.get(method.parent.typeName) as Record<string, Invoke>)[method.localName] as Invoke;
    const message = fromJson(method.input, request as JsonValue, { ignoreUnknownFields: true });
    const metadata = createMetadata({ ...(authorization && { authorization }), cookie: `session=${marker}` });
    let trailers = "";
    const onTrailers = (told: Metadata) => {
      trailers = JSON.stringify(told.getMap());
    };
    try {
      const answer = await invoke(message, { metadata, timeoutMs: TIMEOUT_MS, onTrailers });
      return { ok: true, text: toJsonString(method.output, answer) + trailers, answer };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const { code, message, reason, domain, metadata: facts, violations } = error;
      return { ok: false, text: JSON.stringify({ code, message, reason, domain, facts, violations }) + trailers };
    }
  }

  async function byRest(call: CanaryCall, random: SeededRandom): Promise<Answer> {
    const { verb, path, request, body = request, authorization } = call;
    const asked = JSON.stringify({ ...body, ...(random.isOneIn(4) && { cvv: `${marker}cvv` }) });
    const headers = { "content-type": "application/json", cookie: `session=${marker}`, "x-api-key": marker };
    const response = await fetch(`${base}${path}`, {
      method: verb,
      headers: { ...headers, ...(authorization && { authorization }) },
      // One in eight breaks off.
      ...(verb !== "GET" && { body: random.isOneIn(8) ? asked.slice(0, -3) : asked }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = `${await response.text()}${JSON.stringify(Object.fromEntries(response.headers))}`;
    if (!response.ok) return { ok: false, text };
    return { ok: true, text, answer: JSON.parse(text.slice(0, text.lastIndexOf("{"))) };
  }

  async function call(made: CanaryCall, random: SeededRandom): Promise<void> {
    const way = random.pick(WAYS);
    const { ok, text, answer } = await (way === "grpc" ? byGrpc(made) : byRest(made, random));
    const end = `${way} ${ok ? "answered" : "refused"}`;
    ends[end] = (ends[end] ?? 0) + 1;
    if (ok && answer !== undefined) made.onAnswer?.(answer);
    if (ok && made.tellsTokens) return;
    const rest = (ok ? (made.mayTell ?? []) : []).reduce((left, own) => left.replaceAll(own, ""), text);
    const leak = finder.find(rest);
    if (leak !== undefined) leaks.push(`${way} ${made.method.name} told ${leak}`);
  }

  const known = await Promise.all(Array.from({ length: USERS }, (_, index) => signUp(clients, marker, index)));
  const productId = await firstProduct(base);
  let left = calls;
  const lane = async (index: number) => {
    const random = createSeededRandom(seed + index);
    const draw = createCanaryCalls({ random, marker, users: known, productId });
    for (; left > 0; left--) await call(draw(), random);
  };
  await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)));
  for (const client of clients.values()) (client as { close(): void }).close();
  return { ends, leaks };
}

interface Answer {
  readonly ok: boolean;
  /** All of it, with headers or trailers. */
  readonly text: string;
  readonly answer?: object;
}

async function signUp(clients: ReadonlyMap<string, unknown>, marker: string, index: number): Promise<CanaryUser> {
  type Users = ReturnType<typeof createClient<typeof userv1.UserService>>;
  type Sessions = ReturnType<typeof createClient<typeof userv1.SessionService>>;
  const users = clients.get(userv1.UserService.typeName) as Users;
  const sessions = clients.get(userv1.SessionService.typeName) as Sessions;
  const account = { email: `${marker}user${index}@example.com`, password: `${marker}password${index}` };
  const displayName = `${marker}name${index}x`;
  const options = { timeoutMs: TIMEOUT_MS };
  const { user } = await users.createUser({ requestId: randomUUID(), displayName, ...account }, options);
  const { accessToken, refreshToken } = await sessions.createSession(account, options);
  return { id: user?.id ?? "", ...account, own: [account.email, displayName], accessToken, refreshToken };
}

async function firstProduct(base: string): Promise<string> {
  const { products } = (await (await fetch(`${base}/v1/products`)).json()) as { products: { id: string }[] };
  return products[0]?.id ?? "";
}
