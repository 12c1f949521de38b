import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import type { Call } from "@tenon/grpc";
import type { Kysely, Transaction } from "kysely";
import { withSignal } from "../open-database.ts";
import { isDefinitive, type Outcome } from "./outcome.ts";
import { type Caller, createRequestKeys, type IdentifiedRequest, type RequestKey } from "./request-key.ts";
import { type Claim, claim, lease, reclaim, release, renew, settle } from "./request-record.ts";

export interface OnceOptions<Tables> {
  /** Where the effects and the records of them are, together: migrated with `databaseMigrations`. */
  db: Kysely<Tables>;
  /** At least 16 bytes, kept outside the database and the same for every replica. */
  secret: Uint8Array;
  /** Who calls: request ids of different callers have nothing to do with each other. */
  principalOf: (call: Call) => Caller;
  now?: (() => Date) | undefined;
  /** How long an answer is repeated; by default 24 hours. After that only unique keys of the rules guard. */
  keepMs?: number;
}

/** Runs effects of requests once for each request id, whatever is repeated, at once or later, on whichever replica. */
export interface Once<Tables> {
  /**
   * Runs `effect` in a transaction and records its answer with it. A repetition of the request gets that answer, byte by
   * byte, with the trailer `idempotent-replayed: true`, and no second effect. `effect` returns the response; or a
   * StatusError, which is answered and recorded with what was written; or throws: definitive failures (NOT_FOUND,
   * ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION) are recorded while what was written is undone, any other
   * leaves no trace. The transaction ends with the call. Rejects with ABORTED (REQUEST_IN_PROGRESS) while another attempt
   * is at work, with ALREADY_EXISTS (REQUEST_ID_REUSED) where the id was used for another request.
   */
  <S extends DescMessage>(
    call: Call,
    request: IdentifiedRequest,
    response: S,
    effect: (tx: Transaction<Tables>) => Promise<Answered<S>>,
  ): Promise<MessageShape<S>>;
  /** The same for an effect that needs another service between two transactions. */
  inSteps<S extends DescMessage, Begun, Acted>(
    call: Call,
    request: IdentifiedRequest,
    response: S,
    steps: Steps<Tables, S, Begun, Acted>,
  ): Promise<MessageShape<S>>;
}

/** A response, or a failure that is the answer although what was written stays. */
export type Answered<S extends DescMessage> = MessageInitShape<S> | StatusError;

/**
 * `begin` and `finish` run in a transaction each, `act` in none. Between the two the attempt holds a lease; an attempt
 * that finds an expired one resumes: so `act` must be safe to repeat.
 */
export interface Steps<Tables, S extends DescMessage, Begun, Acted> {
  /**
   * How long the lease outlives a process that was killed, in which nobody can resume; by default 3 s. It is renewed every
   * third of that while `act` goes on, however long that takes.
   */
  leaseMs?: number;
  /** Writes what is intended. `resumed`: an earlier attempt got here and then was lost; read where it stopped. */
  begin(tx: Transaction<Tables>, attempt: { resumed: boolean }): Promise<Begun>;
  /** The call to the other service. What it throws leaves the lease to the next attempt. */
  act(begun: Begun): Promise<Acted>;
  /** Writes the result. Runs even if the caller has left meanwhile: what was done must be known. */
  finish(tx: Transaction<Tables>, acted: Acted, begun: Begun): Promise<Answered<S>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export function createOnce<Tables>(options: OnceOptions<Tables>): Once<Tables> {
  const { db, principalOf, now = () => undefined, keepMs = DAY_MS } = options;
  const toKey = createRequestKeys(options.secret);
  const keyOf = (call: Call, request: IdentifiedRequest) => toKey(call, request, principalOf(call));
  const lifetime = () => ({ now: now(), keepMs });

  /**
   * Runs `work` in a transaction that holds the request. Where it fails for good, what it wrote is undone, and the failure
   * is recorded in a transaction of its own: by then another attempt may have answered, and its answer stands.
   */
  const decide = async <T>(
    on: Kysely<Tables>,
    key: RequestKey,
    hold: (tx: Transaction<Tables>) => Promise<Claim>,
    work: (tx: Transaction<Tables>, resumed: boolean) => Promise<T>,
  ): Promise<Done | Went<T>> => {
    const holding = <R>(then: (tx: Transaction<Tables>, resumed: boolean) => Promise<R>) =>
      on.transaction().execute(async (tx): Promise<Done | R> => {
        const held = await hold(tx);
        return held.kind === "done" ? { outcome: held.outcome, replayed: true } : then(tx, held.resumed);
      });
    let failure: StatusError | undefined;
    try {
      return await holding(async (tx, resumed) => {
        const result = work(tx, resumed);
        await result.catch((error) => {
          failure = isDefinitive(error) ? error : undefined;
        });
        return { result: await result };
      });
    } catch (error) {
      if (failure === undefined || error !== failure) throw error;
    }
    const outcome = { failure };
    return holding(async (tx) => {
      await settle(tx, key, outcome, lifetime());
      return { outcome, replayed: false };
    });
  };

  const claimed = <T>(call: Call, key: RequestKey, work: (tx: Transaction<Tables>, resumed: boolean) => Promise<T>) =>
    decide(withSignal(db, call.signal), key, (tx) => claim(tx, key, now()), work);

  const settleAnswer = async <S extends DescMessage>(
    tx: Transaction<Tables>,
    key: RequestKey,
    response: S,
    answered: Answered<S>,
  ) => {
    const outcome = toOutcome(response, answered);
    await settle(tx, key, outcome, lifetime());
    return outcome;
  };

  const once: Once<Tables> = async (call, request, response, effect) => {
    const key = keyOf(call, request);
    const went = await claimed(call, key, async (tx) => settleAnswer(tx, key, response, await effect(tx)));
    return reply(call, response, "result" in went ? { outcome: went.result, replayed: false } : went);
  };

  once.inSteps = async (call, request, response, { leaseMs = 3000, begin, act, finish }) => {
    const key = keyOf(call, request);
    const went = await claimed(call, key, async (tx, resumed) => {
      const begun = await begin(tx, { resumed });
      return { begun, leaseId: await lease(tx, key, leaseMs, lifetime()) };
    });
    if ("outcome" in went) return reply(call, response, went);
    const { begun, leaseId } = went.result;
    const detached = withSignal(db, NEVER);
    // A renewal that fails is followed by another, and a lease that is lost after all is noticed by reclaim.
    const beat = () => void renew(detached, key, leaseId, leaseMs, now()).catch(() => {});
    const heartbeat = setInterval(beat, leaseMs / 3);
    let ended: Done | Went<Outcome>;
    try {
      const acted = await act(begun);
      ended = await decide(
        detached,
        key,
        (tx) => reclaim(tx, key, leaseId),
        async (tx) => settleAnswer(tx, key, response, await finish(tx, acted, begun)),
      );
    } catch (error) {
      // A lease that cannot be given back expires by itself.
      await release(detached, key, leaseId, now()).catch(() => {});
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
    return reply(call, response, "result" in ended ? { outcome: ended.result, replayed: false } : ended);
  };
  return once;
}

const NEVER = new AbortController().signal;

interface Done {
  outcome: Outcome;
  replayed: boolean;
}

interface Went<T> {
  result: T;
}

function toOutcome<S extends DescMessage>(schema: S, answered: Answered<S>): Outcome {
  if (answered instanceof StatusError) return { failure: answered };
  return { response: toBinary(schema, create(schema, answered as MessageInitShape<S>)) };
}

/** The first answer is read from its bytes as every repetition is, so that they cannot differ. */
function reply<S extends DescMessage>(call: Call, schema: S, { outcome, replayed }: Done): MessageShape<S> {
  if (replayed) call.trailers.set("idempotent-replayed", "true");
  if ("failure" in outcome) throw outcome.failure;
  return fromBinary(schema, outcome.response);
}
