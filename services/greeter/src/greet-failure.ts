import { type Code, StatusError } from "@tenon/errors";
import { tlsHint } from "@tenon/runtime";

export interface FailedCall {
  target: string;
  timeoutMs: number;
  /** Whether it was called by TLS. */
  tls: boolean;
}

/** What the shell is told of a failed call. */
export interface Failure {
  /** For the person who made the call, with what can be done about it. */
  readonly message: string;
  /** By sysexits.h, so that a script can tell what to do: 64 ask otherwise, 69 start it, 75 try again later. */
  readonly exitCode: number;
}

const EXITS: {
  readonly [C in Code]?: { exitCode: number; explain(message: string, call: FailedCall, error: StatusError): string };
} = {
  INVALID_ARGUMENT: { exitCode: 64, explain: (message) => message },
  UNAVAILABLE: {
    exitCode: 69,
    explain: (_, { target, tls }, error) =>
      `no greeter answers at ${target}: ${tlsHint(error, { tls }) ?? 'is "make run" running?'}`,
  },
  UNIMPLEMENTED: { exitCode: 69, explain: (_, { target }) => `what listens at ${target} is not a greeter` },
  INTERNAL: { exitCode: 70, explain: (message) => `${message}: the server's log says more` },
  DEADLINE_EXCEEDED: { exitCode: 75, explain: (_, { timeoutMs }) => `no answer within ${timeoutMs} ms` },
  RESOURCE_EXHAUSTED: { exitCode: 75, explain: (message) => `${message}: try again later` },
  UNAUTHENTICATED: { exitCode: 77, explain: (message) => message },
  PERMISSION_DENIED: { exitCode: 77, explain: (message) => message },
};

/** Errors of calls by their code. Whatever is not the status of a call is a bug and is thrown on. */
export function toFailure(error: unknown, call: FailedCall): Failure {
  if (!(error instanceof StatusError)) throw error;
  const { code, message } = error;
  const { exitCode, explain } = EXITS[code] ?? { exitCode: 1, explain: () => message };
  return { message: `${code}: ${explain(message, call, error)}`, exitCode };
}
