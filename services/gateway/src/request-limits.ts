import { StatusError } from "@tenon/errors";
import { addressGroup, createClientFinder, createTokenBuckets, type Rate, rateClassOf } from "@tenon/interceptors";
import {
  createRouter,
  errorResponse,
  type HandleRequest,
  type HttpRequest,
  type HttpRoute,
  splitUrl,
} from "@tenon/transcoding";

/** What the clients of one address may ask together; of IPv6, of one /64. */
export interface RequestLimits {
  /** Whatever it is, made-up paths included; by default not limited. */
  requests?: Rate;
  /** Methods whose contract puts them into the class of credentials: log-in, sign-up. By default not limited. */
  credentials?: Rate;
  /** Whose word is taken for the client's address (see `clientAddress`); by default nobody's. */
  trustedProxies?: readonly string[];
  /** How many addresses are remembered; by default 100,000. */
  maxKeys?: number;
  /** Milliseconds of a clock that does not jump. */
  nowMs?: () => number;
}

/**
 * Refuses what is beyond its client's budget, before anything else is done for it: 429 with `Retry-After`. Who asks is not
 * known here yet, so that it goes by address; users are the services' to limit. Budgets are of this process.
 */
export function requestLimits(options: RequestLimits & { routes: readonly HttpRoute[] }) {
  const { routes, requests, credentials, trustedProxies = [] } = options;
  const { maxKeys = 100_000, nowMs = () => performance.now() } = options;
  const buckets = createTokenBuckets({ maxKeys, nowMs });
  const clientOf = createClientFinder({ trustedProxies });
  const needsCredentials = credentialRequests(routes);

  function waitMsFor(request: HttpRequest): number {
    const forwarded = request.headers["x-forwarded-for"] ?? [];
    const client = addressGroup(clientOf(request.peer ?? "", typeof forwarded === "string" ? [forwarded] : forwarded));
    const waitMs = requests ? buckets.take(client, requests) : 0;
    if (waitMs > 0 || credentials === undefined || !needsCredentials(request)) return waitMs;
    return buckets.take(`credentials ${client}`, credentials);
  }

  function admit(request: HttpRequest): void {
    const waitMs = waitMsFor(request);
    if (waitMs > 0) throw rateLimited(waitMs);
  }

  return {
    /** Throws where the budget is used up. */
    admit,
    limited:
      (handle: HandleRequest): HandleRequest =>
      (request) => {
        const waitMs = waitMsFor(request);
        if (waitMs === 0) return handle(request);
        return Promise.resolve(errorResponse(rateLimited(waitMs), { problem: false }));
      },
  };
}

const rateLimited = (waitMs: number) =>
  new StatusError("RESOURCE_EXHAUSTED", "too many requests; try again later", {
    reason: "RATE_LIMITED",
    domain: "gateway",
    retryDelayMs: waitMs,
  });

/** Whether a request asks for a method of that class: by its route, or by the method's own name, as RPC protocols do. */
function credentialRequests(routes: readonly HttpRoute[]): (request: HttpRequest) => boolean {
  const ones = routes.filter(({ method }) => rateClassOf({ desc: method }) === "credential");
  const router = createRouter(ones);
  const rpcs = ones.map(({ method: { parent, name } }) => `/${parent.typeName}/${name}`);
  return ({ method, url }) => {
    const { path } = splitUrl(url);
    if (rpcs.includes(path)) return true;
    try {
      return router.match(method, path) !== undefined;
    } catch {
      return false; // not well encoded, which is told further in
    }
  };
}
