import { expect, test } from "vitest";
import { deadline } from "./deadline.ts";
import { auth } from "./identity/auth.ts";
import { propagation } from "./propagation.ts";

const WRONG = [Number.NaN, Number.NEGATIVE_INFINITY, -1, Number.POSITIVE_INFINITY, 1e300];

const LIMITS: Record<string, (value: number) => unknown> = {
  "deadline: unaryMs": (unaryMs) => deadline({ unaryMs }),
  "deadline: streamMs": (streamMs) => deadline({ streamMs }),
  "propagation: marginMs": (marginMs) => propagation({ marginMs }),
  "auth: maxTokens": (maxTokens) => auth({ maxTokens }),
};

for (const [name, create] of Object.entries(LIMITS)) {
  for (const value of WRONG) {
    test(`${name} of ${value} is refused at the start`, () => expect(() => create(value)).toThrow(`${name} must be`));
  }
}
