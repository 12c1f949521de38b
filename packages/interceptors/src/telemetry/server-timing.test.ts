import { StatusError } from "@tenon/errors";
import { createMetadata, type Interceptor } from "@tenon/grpc";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "../greeter-fixture.ts";
import { type Principal, principalKey } from "../identity/principal.ts";
import { serverTiming, timed } from "./server-timing.ts";

const as =
  (principal: Principal): Interceptor =>
  ({ values }) => ({ onStart: () => values.set(principalKey, principal) });
const ASKING = { metadata: createMetadata({ "x-server-timing": "1" }) };
const ORDER: Principal = { kind: "service", name: "order" };

/** The trailer of a call. */
async function timingOf(invoke: (options: object) => Promise<unknown>, options: object): Promise<unknown> {
  let timing: unknown;
  const onTrailers = (trailers: { get(key: string): unknown[] }) => {
    timing = trailers.get("server-timing")[0];
  };
  await invoke({ ...options, onTrailers }).catch(() => {});
  return timing;
}

for (const { kind, invoke } of KINDS) {
  for (const fails of [false, true]) {
    test(`a ${kind} call that ${fails ? "fails" : "goes well"} tells its parts and how long it took`, async () => {
      const { greetings } = await startGreeter({
        server: [serverTiming(), as(ORDER)],
        async inHandler(call) {
          for (let n = 0; n < 2; n++) await timed(call, "db", () => undefined);
          await timed(call, "render", async () => {
            if (fails) throw new StatusError("NOT_FOUND", "no such name");
          });
        },
      });
      expect(await timingOf((options) => invoke(greetings, options), ASKING)).toMatch(
        /^db;dur=[\d.]+, render;dur=[\d.]+, total;dur=[\d.]+$/,
      );
    });
  }
}

for (const [who, principal, told] of [
  ["nobody", { kind: "anonymous" }, false],
  ["a user", { kind: "user", id: "ada", role: "user", sessionId: "s" }, false],
  ["an admin", { kind: "user", id: "ada", role: "admin", sessionId: "s" }, true],
  ["a service", ORDER, true],
] as const) {
  test(`${who} is ${told ? "" : "not "}told, and only on request`, async () => {
    const { greetings } = await startGreeter({ server: [serverTiming(), as(principal)] });
    const timing = await timingOf((options) => greetings.greet({}, options), ASKING);
    expect(timing !== undefined).toBe(told);
    expect(await timingOf((options) => greetings.greet({}, options), {})).toBeUndefined();
  });
}

test("a name that no header may hold is refused", async () => {
  const { greetings } = await startGreeter({
    server: [serverTiming({ allow: () => true })],
    inHandler: (call) => timed(call, "a b\r\n", () => undefined),
  });
  await expect(greetings.greet({}, ASKING)).rejects.toMatchObject({ code: "INTERNAL" });
  expect(await greetings.greet({ name: "Ada" })).toMatchObject({ message: "Hello Ada" });
});

test("parts without end have a limit", async () => {
  const { greetings } = await startGreeter({
    server: [serverTiming({ allow: () => true })],
    async inHandler(call) {
      for (let n = 0; n < 1000; n++) await timed(call, `part-${n}`, () => undefined);
    },
  });
  expect(String(await timingOf((options) => greetings.greet({}, options), ASKING)).split(",")).toHaveLength(33);
});
