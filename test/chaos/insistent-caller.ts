import { setTimeout as delay } from "node:timers/promises";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Code } from "@tenon/errors";
import { StatusError } from "@tenon/errors";
import type { SeededRandom } from "@tenon/testing";
import type { ChaosHistory } from "./chaos-history.ts";

export interface InsistentCallerOptions {
  random: SeededRandom;
  history: ChaosHistory;
}

/** Calls as a program that wants to know: what was not answered is asked again, with the same request id. */
export interface InsistentCaller {
  /** What was answered and must not have been. */
  readonly violations: string[];
  /** The answer, or nothing where the request was refused for good. One in ten is asked for again, and must be the same. */
  ask<S extends DescMessage>(
    call: string,
    requestId: string,
    schema: S,
    attempt: () => Promise<MessageShape<S>>,
  ): Promise<Partial<MessageShape<S>>>;
}

/** Longer than anything stays away. */
const ANSWER_LIMIT_MS = 120_000;
/** Those that a caller may repeat with the same request id. */
const PASSING: readonly Code[] = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "RESOURCE_EXHAUSTED"];

export function createInsistentCaller({ random, history }: InsistentCallerOptions): InsistentCaller {
  const violations: string[] = [];

  async function repeated<T>(call: string, requestId: string, attempt: () => Promise<T>): Promise<T | StatusError> {
    const startedAt = Date.now();
    for (let attempts = 1; ; attempts++) {
      try {
        const answer = await attempt();
        history.add("ok", { call, requestId, attempts, ms: Date.now() - startedAt });
        return answer;
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        const { code, reason } = error;
        if (!PASSING.includes(code)) {
          history.add("refused", { call, requestId, attempts, code, reason });
          if (code !== "FAILED_PRECONDITION") violations.push(`${call} ${requestId} failed: ${code} ${error.message}`);
          return error;
        }
        history.add("unanswered", { call, requestId, code, reason });
        if (Date.now() - startedAt > ANSWER_LIMIT_MS) throw new Error(`22: ${call} ${requestId} was never answered`);
        await delay(random.between(20, 200));
      }
    }
  }

  return {
    violations,
    async ask(call, requestId, schema, attempt) {
      const first = await repeated(call, requestId, attempt);
      if (random.isOneIn(10)) {
        const [one, other] = [first, await repeated(call, requestId, attempt)].map((each) => toText(schema, each));
        if (one !== other) violations.push(`1: ${call} ${requestId} was answered in two ways: ${one}, ${other}`);
      }
      return first instanceof StatusError ? {} : first;
    },
  };
}

const toText = <S extends DescMessage>(schema: S, answer: MessageShape<S> | StatusError): string =>
  answer instanceof StatusError
    ? `${answer.code} ${answer.reason} ${answer.message}`
    : Buffer.from(toBinary(schema, answer)).toString("hex");
