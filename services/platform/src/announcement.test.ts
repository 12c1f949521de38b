import { expect, test } from "vitest";
import { announcement } from "./announcement.ts";

const said = (...names: string[]) =>
  announcement({
    platform: {
      services: names.map((name) => ({
        name,
        protocol: name === "gateway" ? ("http" as const) : undefined,
        address: "127.0.0.1:1",
        adminAddress: "127.0.0.1:2",
      })),
      close: async () => {},
    },
    newId: () => "0190a4be-77e5-7d7f-8b53-3e4fb5d6c1aa",
  });

test("that the last call watches is said where it does, and that there are calls where there are some", () => {
  expect(said("user", "order")).toMatch(/The last one watches.*WatchOrder\n\nReady\./s);
  expect(said("processor")).toMatch(
    /First calls, to copy line by line into another terminal\.\n\ngrpcurl .* list\n\nReady\./,
  );
  expect(said("gateway")).not.toContain("First calls");
});
