// The client that the runner judges: makes the calls that it is told on standard input, and tells what came of each.
import { create } from "@bufbuild/protobuf";
import { conformanceCall } from "./conformance-call.ts";
import { readMessages, writeMessage } from "./conformance-stdio.ts";
import * as conformancev1 from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";

const MAX_CALLS = 32;

process.once("SIGTERM", () => process.exit(0));

async function answer(request: conformancev1.ClientCompatRequest): Promise<void> {
  const { testName } = request;
  const result = await conformanceCall(request).then(
    (value) => ({ case: "response", value }) as const,
    (error) => ({ case: "error", value: { message: String(error?.stack ?? error) } }) as const,
  );
  writeMessage(
    conformancev1.ClientCompatResponseSchema,
    create(conformancev1.ClientCompatResponseSchema, { testName, result }),
  );
}

const running = new Set<Promise<void>>();
for await (const request of readMessages(conformancev1.ClientCompatRequestSchema)) {
  const call = answer(request).finally(() => running.delete(call));
  running.add(call);
  if (running.size >= MAX_CALLS) await Promise.race(running);
}
await Promise.all(running);
process.stdout.end(() => process.exit(0));
