import { createClient, createServer, methodsOf } from "@tenon/grpc";
import { expect, onTestFinished, test } from "vitest";
import { greeter, KINDS, startGreeter } from "../greeter-fixture.ts";
import { oddMethod } from "../method-fixture.ts";
import { validation } from "./validation.ts";

const TOO_LONG = "x".repeat(201);
const FIELD: Record<string, string> = {
  Greet: "name",
  ListGreetings: "names[0]",
  RecordGreetings: "name",
  ChatGreetings: "name",
};

for (const { kind, method, invoke } of KINDS) {
  test(`a ${kind} call with a message against the rules is INVALID_ARGUMENT and names the field`, async () => {
    const { greetings } = await startGreeter({ server: [validation()] });
    await expect(invoke(greetings, {}, [TOO_LONG])).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "VALIDATION_FAILED",
      message: `${FIELD[method]}: must be at most 200 characters`,
      violations: [{ field: FIELD[method], description: "must be at most 200 characters" }],
    });
  });

  test(`a ${kind} call within the rules passes`, async () => {
    const { greetings } = await startGreeter({ server: [validation({ methods: methodsOf([greeter(() => {})]) })] });
    await expect(invoke(greetings)).resolves.toBeDefined();
  });
}

test("every message of a stream is checked", async () => {
  const seen: string[] = [];
  const { greetings } = await startGreeter({ server: [validation()] });
  const answers = greetings.chatGreetings([{ name: "Ada" }, { name: TOO_LONG }]);
  const reading = (async () => {
    for await (const { message } of answers) seen.push(message);
  })();
  await expect(reading).rejects.toMatchObject({ reason: "VALIDATION_FAILED" });
  expect(seen.every((message) => message === "Hello Ada")).toBe(true);
});

test("all violations are told, up to what fits into details", async () => {
  const { greetings } = await startGreeter({ server: [validation()] });
  for (const [count, told] of [
    [3, 3],
    [500, 20],
  ] as const) {
    const error = await greetings
      .listGreetings({ names: Array.from({ length: count }, () => TOO_LONG) })
      [Symbol.asyncIterator]()
      .next()
      .catch((thrown: unknown) => thrown as { message: string; violations: object[] });
    expect(error).toMatchObject({
      message: `names[0]: must be at most 200 characters (and ${count - 1} more)`,
    });
    expect((error as { violations: object[] }).violations).toHaveLength(told);
  }
});

test("a client checks nothing: the callee's rules decide", async () => {
  const { greetings } = await startGreeter({ client: [validation()] });
  await expect(greetings.greet({ name: TOO_LONG })).resolves.toBeDefined();
});

for (const [what, rule] of [
  ["cannot be compiled", "this.nobody == 1"],
  ["cannot be evaluated", "1 / 0 == 1"],
] as const) {
  test(`a rule that ${what} stops the start and names its message`, () => {
    expect(() => validation({ methods: [oddMethod({ rule })] })).toThrow("the rules of odd.v1.Thing fail");
  });

  test(`a rule that ${what} is our fault, not the caller's`, async () => {
    const service = oddMethod({ rule }).desc.parent;
    const handlers = { do: async () => ({}) };
    const server = createServer({ services: [{ service, handlers }], interceptors: [validation()] });
    const client = createClient(service, { target: server });
    onTestFinished(async () => {
      client.close();
      await server.close({ graceMs: 100 });
    });
    const call = client.do as unknown as (request: object) => Promise<unknown>;
    await expect(call({})).rejects.toMatchObject({ code: "INTERNAL", message: "internal error" });
  });
}
