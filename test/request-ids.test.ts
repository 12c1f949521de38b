import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, type DescFile } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import * as eventsv1 from "@tenon/contracts/events/v1";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { expect, test } from "vitest";

const files = [eventsv1, greeterv1, orderv1, paymentv1, processorv1, userv1].flatMap((contracts) =>
  Object.entries(contracts).flatMap(([name, value]) => (name.startsWith("file_") ? [value as DescFile] : [])),
);
const changing = files
  .flatMap(({ services }) => services.flatMap(({ methods }) => methods))
  .filter(({ idempotency }) => idempotency !== Level.NO_SIDE_EFFECTS)
  .map((method) => ({ ...method, method: `${method.parent.typeName}/${method.name}` }));

/** How a repetition of those without a request id has no second effect. */
const OTHERWISE = {
  "events.v1.EventService/Deliver": "by the version of what the event is about",
  "events.v1.InboxService/RedriveDeadLetters": "what is tried again is no dead letter any more",
  "events.v1.OutboxService/ReplayOutbox": "what is told twice has one effect",
  "greeter.v1.GreetingService/ChatGreetings": "it stores nothing",
  "greeter.v1.GreetingService/RecordGreetings": "a name is recorded once",
  "payment.v1.CallbackService/NotifyTransaction": "by the processor's reference",
  "payment.v1.ReconciliationService/Reconcile": "what is repaired agrees",
  "processor.v1.FaultService/SetFaults": "it says how all is to be",
  "processor.v1.ProcessorService/Authorize": "by the caller's reference",
  "processor.v1.ProcessorService/Capture": "by the caller's reference",
  "processor.v1.ProcessorService/Refund": "by the caller's reference",
  "processor.v1.ProcessorService/Void": "by the caller's reference",
  "user.v1.SessionService/CreateSession": "each log-in is a session of its own",
};

const identified = changing.filter(({ input }) => input.fields.some(({ name }) => name === "request_id"));

test("1: whatever changes something has a request id, but for those that say how else they are repeated", () => {
  const others = changing.filter((each) => !identified.includes(each)).map(({ method }) => method);
  expect(others.sort()).toEqual(Object.keys(OTHERWISE).sort());
});

test("4: every request id is told to be one of its caller and its method", () => {
  const openApi = JSON.parse(readFileSync(join(import.meta.dirname, "../docs/openapi.json"), "utf8"));
  const schemas: Record<string, { properties?: { requestId?: { description: string } } }> = openApi.components.schemas;
  const silent = Object.entries(schemas)
    .filter(([, { properties }]) => properties?.requestId)
    .filter(
      ([, { properties }]) => !properties?.requestId?.description.includes("of another caller, or for another method"),
    )
    .map(([name]) => name);
  // There it is the token that tells a repetition.
  expect(silent).toEqual(["user.v1.RefreshSessionRequest"]);
});

for (const { method, input } of identified) {
  test(`10: ${method} lets in no request id that is missing, endless or no UUID`, () => {
    const validator = createValidator();
    for (const requestId of ["", "1", "1".repeat(100_000)]) {
      const { kind, violations = [] } = validator.validate(input, create(input, { requestId } as never));
      expect(kind).toBe("invalid");
      expect(violations.map(({ field }) => field.map((part) => ("name" in part ? part.name : "")).join("."))).toContain(
        "request_id",
      );
    }
  });
}
