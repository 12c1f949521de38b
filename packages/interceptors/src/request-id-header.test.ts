import { StatusError } from "@tenon/errors";
import { createMetadata } from "@tenon/grpc";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "./greeter-fixture.ts";
import { propagation } from "./propagation.ts";
import { requestIdHeader } from "./request-id-header.ts";

for (const { kind, invoke } of KINDS) {
  for (const fails of [false, true]) {
    test(`the caller of a ${kind} call that ${fails ? "fails" : "goes well"} learns its request's id`, async () => {
      const { greetings } = await startGreeter({
        over: "port",
        server: [propagation(), requestIdHeader()],
        inHandler: () => {
          if (fails) throw new StatusError("NOT_FOUND", "no such name");
        },
      });
      const seen: unknown[] = [];
      const onHeaders = (headers: { get(key: string): unknown[] }) => void seen.push(...headers.get("x-request-id"));
      await invoke(greetings, { onHeaders, metadata: createMetadata({ "x-request-id": "request-7" }) }).catch(() => {});
      await invoke(greetings, { onHeaders }).catch(() => {});
      expect(seen).toEqual(["request-7", expect.stringMatching(/^[\da-f-]{36}$/)]);
    });
  }
}

test("without propagation there is no id to tell, and a client tells none", async () => {
  const { greetings } = await startGreeter({ server: [requestIdHeader()], client: [requestIdHeader()] });
  let told = 0;
  const onHeaders = (headers: { get(key: string): unknown[] }) => {
    told += headers.get("x-request-id").length;
  };
  await greetings.greet({}, { onHeaders });
  expect(told).toBe(0);
});
