import * as greeterv1 from "@tenon/contracts/greeter/v1";
import { StatusError } from "@tenon/errors";
import { implementPart } from "@tenon/testing";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./client.ts";
import { createServer } from "./server.ts";

const failing = () => {
  throw new Error("by design");
};

/** The code that a call failed with, and what lies at the bottom of it. */
async function failureOf(call: Promise<unknown>): Promise<[code: string, cause: string]> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(StatusError);
  let cause = failure as Error;
  while (cause.cause instanceof Error) cause = cause.cause;
  return [(failure as StatusError).code, cause.message];
}

async function start(over: "port" | "memory") {
  const greetings = implementPart(greeterv1.GreetingService, {
    async greet({ name }, call) {
      call.responseHeaders.set("x-served-by", "test");
      if (name === "") throw new StatusError("INVALID_ARGUMENT", "name is required");
      return { message: name };
    },
    async *listGreetings(_, call) {
      call.responseHeaders.set("x-served-by", "test");
      yield { message: "Ada" };
    },
    recordGreetings: failing,
    chatGreetings: failing,
  });
  const server = createServer({ services: [greetings] });
  const target = over === "memory" ? server : `127.0.0.1:${await server.listen({ host: "127.0.0.1", port: 0 })}`;
  const client = createClient(greeterv1.GreetingService, { target });
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
  });
  return client;
}

for (const over of ["port", "memory"] as const) {
  for (const callback of ["onHeaders", "onTrailers"] as const) {
    const options = { [callback]: failing, timeoutMs: 5000 };

    test(`${callback} that throws fails a call with one response over ${over}, and no more`, async () => {
      const client = await start(over);
      expect(await failureOf(client.greet({ name: "Ada" }, options))).toEqual(["INTERNAL", "by design"]);
      expect(await client.greet({ name: "Ada" }, { timeoutMs: 5000 })).toMatchObject({ message: "Ada" });
    });

    test(`${callback} that throws fails a stream of responses over ${over}`, async () => {
      const client = await start(over);
      const all = Array.fromAsync(client.listGreetings({}, options));
      expect(await failureOf(all)).toEqual(["INTERNAL", "by design"]);
    });
  }

  test(`onTrailers that throws does not hide why a call failed over ${over}`, async () => {
    const client = await start(over);
    const call = client.greet({ name: "" }, { onTrailers: failing, timeoutMs: 5000 });
    await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
}
