import { expect, test } from "vitest";
import { besideGreeter } from "./beside-greeter.ts";

const newcomer = { name: "inventory", port: 8085 };
const lines = (...text: string[]) => text.join("\n");

for (const [what, before, after] of [
  [
    "a line is said again, where the processor has one behind that",
    lines('"@tenon/greeter": "workspace:*",', '"@tenon/processor": "workspace:*",', '"@tenon/user": "workspace:*"'),
    lines(
      '"@tenon/greeter": "workspace:*",',
      '"@tenon/processor": "workspace:*",',
      '"@tenon/inventory": "workspace:*",',
      '"@tenon/user": "workspace:*"',
    ),
  ],
  [
    "ports follow",
    lines('  GREETER_TARGET: str({ default: "127.0.0.1:8080" }),', "x"),
    lines(
      '  GREETER_TARGET: str({ default: "127.0.0.1:8080" }),',
      '  INVENTORY_TARGET: str({ default: "127.0.0.1:8085" }),',
      "x",
    ),
  ],
  [
    "a block goes with its closing bracket",
    lines('  service("greeter", {', "    port: 8080,", "  }),", '  service("user", {', "  }),"),
    lines(
      '  service("greeter", {',
      "    port: 8080,",
      "  }),",
      '  service("inventory", {',
      "    port: 8085,",
      "  }),",
      '  service("user", {',
      "  }),",
    ),
  ],
  [
    "a block of YAML goes with the empty line behind it",
    lines("  greeter:", "    x: 9080", "", "  processor:", "    y: 2", "", "  gateway:"),
    lines(
      "  greeter:",
      "    x: 9080",
      "",
      "  processor:",
      "    y: 2",
      "",
      "  inventory:",
      "    x: 9085",
      "",
      "  gateway:",
    ),
  ],
  [
    "a list gets the name behind the last of its kind",
    "X: greeter user processor gateway",
    "X: greeter user processor inventory gateway",
  ],
  ["a list of strings", 'calls: ["greeter", "payment"],', 'calls: ["greeter", "payment", "inventory"],'],
  [
    "a list of variables",
    "# GREETER_PORT USER_PORT GATEWAY_PORT",
    "# GREETER_PORT USER_PORT INVENTORY_PORT GATEWAY_PORT",
  ],
] as const) {
  test(what, () => expect(besideGreeter(before, newcomer)).toBe(after));
}

test("a file that does not mention the greeter is not the one that was meant", () => {
  expect(() => besideGreeter("user\n", newcomer)).toThrow("the greeter does not stand in it");
});
