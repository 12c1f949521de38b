import { StatusError } from "@tenon/errors";
import { type Call, type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import { HEALTH, REFLECTION } from "../infrastructure.ts";
import { assertOptions } from "../option-range.ts";
import { perMethod } from "../per-method.ts";
import { type AccessRule, type AccessWord, contractRule, toAccessRule } from "./access-rule.ts";
import { bearerToken } from "./bearer-token.ts";
import { ANONYMOUS, type Principal, principalKey } from "./principal.ts";
import { type SpiffeOptions, spiffeReader } from "./spiffe-id.ts";
import { eitherOf, type TokenVerifier } from "./token-verifier.ts";
import { rememberVerified } from "./verified-tokens.ts";

export interface AuthOptions {
  /** Verifies users' tokens; without it none is accepted. */
  users?: TokenVerifier;
  /** Verifies services' tokens; without it none is accepted. */
  services?: TokenVerifier;
  /** Whose client certificates prove a service as its token does; without it none. TLS has checked them, see `ServerTls.ca`. */
  spiffe?: SpiffeOptions;
  /** Who may ask for reflection; by default `admin`. Health is public always. */
  reflection?: "public" | "admin";
  /** Rules for methods without a descriptor of ours, by path or by service: `{ "/pkg.Service/Method": ["admin"] }`. */
  access?: Readonly<Record<string, readonly AccessWord[]>>;
  /** What is served: these access rules are read at once, so that a wrong one stops the start. */
  methods?: readonly Method[];
  /** For how many tokens it is remembered that they hold; by default 10,000. */
  maxTokens?: number;
  now?: () => Date;
}

/**
 * Lets a call in if the contract says so: before any message of it is read, by the bearer token in `authorization`, or else
 * by the client's certificate. Leaves the caller where `principalOf` finds it: whom the token names, because a service may
 * call on behalf of a user; the certificate's service where there is no token, or where the rule asks for that service.
 * On a client it does nothing; see `serviceToken`.
 *
 * UNAUTHENTICATED with TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED where it is not known who calls, PERMISSION_DENIED
 * with NOT_ALLOWED where it is; UNAVAILABLE where no keys can be had to tell. A method that declares no access is closed
 * to everyone. A token that does not hold is refused also by public methods: who sends one expects to be
 * known, and an answer for nobody would mislead.
 *
 * A method that nobody knows is UNIMPLEMENTED, token or not: it has no rule, so it is as closed as can be, and clients
 * rely on that code to notice what a server does not offer (reflection v1 or v1alpha).
 */
export function auth(options: AuthOptions): Interceptor {
  const {
    reflection = "admin",
    access = {},
    methods = [],
    maxTokens = 10_000,
    now = () => new Date(),
    spiffe,
  } = options;
  assertOptions("auth", { maxTokens }, { max: 10_000_000, integer: true });
  const verifier = rememberVerified(eitherOf(options), { maxTokens, now });
  const serviceOf = spiffe && spiffeReader(spiffe);
  const given = new Map(Object.entries(access).map(([name, words]) => [name, toAccessRule(words, name)]));
  for (const service of REFLECTION) given.set(service, toAccessRule([reflection], service));
  const ruleOf = perMethod((method) => given.get(method.path) ?? given.get(method.service) ?? declared(method));
  for (const method of methods) {
    if (
      method.desc === undefined &&
      method.service !== HEALTH &&
      !given.has(method.path) &&
      !given.has(method.service)
    ) {
      throw new Error(`auth: ${method.path} has no descriptor, and access names neither it nor its service`);
    }
    contractRule(method);
  }

  function admit(call: Call, allows: AccessRule, named: Principal): void {
    let principal = named;
    if (serviceOf && (named.kind === "anonymous" || !allows(named))) principal = serviceOf(call.peerUris) ?? named;
    if (!allows(principal)) throw principal.kind === "anonymous" ? tokenMissing() : notAllowed();
    call.values.set(principalKey, principal);
  }

  return function auth(call) {
    // Probes are answered whatever they carry.
    if (call.side === "client" || call.method.service === HEALTH) return NO_HOOKS;
    return {
      onStart() {
        const rule = ruleOf(call.method);
        if (rule === undefined) throw unknownMethod(call.method);
        const token = bearerToken(call.requestMetadata);
        if (token === undefined) return admit(call, rule, ANONYMOUS);
        const verified = verifier.verify(token);
        if (verified instanceof Promise) return verified.then(({ principal }) => admit(call, rule, principal));
        admit(call, rule, verified.principal);
      },
    };
  };
}

/** None for a method that is known by path alone: it was served without us, or it does not exist. */
const declared = (method: Method): AccessRule | undefined =>
  method.desc === undefined ? undefined : contractRule(method);

const tokenMissing = (): StatusError =>
  new StatusError("UNAUTHENTICATED", "a token is needed for this method", { reason: "TOKEN_MISSING" });

const notAllowed = (): StatusError =>
  new StatusError("PERMISSION_DENIED", "not allowed to call this method", { reason: "NOT_ALLOWED" });

const unknownMethod = ({ path }: Method): StatusError =>
  new StatusError("UNIMPLEMENTED", `The server does not implement the method ${path}`);
