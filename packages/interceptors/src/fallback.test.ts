import { StatusError } from "@tenon/errors";
import { expect, test } from "vitest";
import { fallback } from "./fallback.ts";
import { collect, startGreeter } from "./greeter-fixture.ts";

const UNAVAILABLE = new StatusError("UNAVAILABLE", "gone", { remote: true });

async function* broken(after: readonly string[], error: unknown = UNAVAILABLE): AsyncIterable<string> {
  yield* after;
  throw error;
}
async function* whole(...messages: string[]): AsyncIterable<string> {
  yield* messages;
}

for (const [what, calls, received, error] of [
  ["the first that answers", [() => whole("a", "b"), () => whole("c")], ["a", "b"]],
  ["the next of one that broke before", [() => broken([]), () => broken([]), () => whole("c")], ["c"]],
  ["nothing of one that ended well", [() => whole(), () => whole("c")], []],
  ["a part, then the error of one that had begun", [() => broken(["a"]), () => whole("c")], ["a"], "gone"],
  ["the last error where all broke", [() => broken([]), () => broken([], new Error("last"))], [], "last"],
  ["an error that is none of the callee's failures", [() => broken([], new Error("bug")), () => whole("c")], [], "bug"],
  ["a refusal to give nothing at all", [], [], "no call is given"],
] as const) {
  test(`the caller receives ${what}`, async () => {
    const seen: string[] = [];
    const read = async () => {
      for await (const message of fallback<string>(calls)) seen.push(message);
    };
    if (error === undefined) await read();
    else await expect(read()).rejects.toThrow(error);
    expect(seen).toEqual(received);
  });
}

test("which errors are reason enough is the caller's to say", async () => {
  const calls = [() => broken([], new StatusError("NOT_FOUND", "no")), () => whole("c")];
  expect(await collect(fallback(calls, { when: ({ code }) => code === "NOT_FOUND" }))).toEqual(["c"]);
});

test("who leaves the loop cancels the call that he reads", async () => {
  const left = Promise.withResolvers<void>();
  const { greetings } = await startGreeter({
    server: [() => ({ onEnd: ({ code }) => left.resolve(expect(code).toBe("CANCELLED")) })],
    inHandler: () => {},
  });
  const endless = fallback([() => greetings.chatGreetings(forever())]);
  for await (const { message } of endless) {
    expect(message).toBe("Hello Ada");
    break;
  }
  await left.promise;
});

async function* forever() {
  for (;;) yield { name: "Ada" };
}
