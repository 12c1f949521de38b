import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import { methodsOf } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import { expect, test } from "vitest";
import { ofMethod, ofService, withOption } from "./match.ts";
import type { Match } from "./selector.ts";

const METHODS = [greeterv1.GreetingService, processorv1.ProcessorService].flatMap((service) =>
  methodsOf([{ service, handlers: {} } as never]),
);
const matched = (match: Match) => METHODS.filter(match).map(({ name }) => name);

test("methods are chosen by service, path and option", () => {
  expect(matched(ofService("greeter.v1.GreetingService"))).toHaveLength(4);
  expect(matched(ofService("greeter.v1"))).toEqual([]);
  expect(matched(ofMethod("/greeter.v1.GreetingService/Greet"))).toEqual(["Greet"]);
  const isUrgent = withOption(optionsv1.method, ({ priority }) => priority === optionsv1.Priority.HIGH);
  expect(matched(isUrgent)).toEqual(["Authorize", "Capture", "Void", "Refund"]);
  expect(withOption(optionsv1.method, () => true)({ path: "/a.B/C" } as never)).toBe(false);
});

for (const path of ["", "Greet", "greeter.v1.GreetingService/Greet", "/greeter.v1.GreetingService", "/a/b/c"]) {
  test(`"${path}" is no method's path`, () => expect(() => ofMethod(path)).toThrow(`"${path}" is no method's path`));
}
