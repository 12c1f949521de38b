import { createLogger } from "@tenon/logger";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { sampledGauge } from "./sampled-gauge.ts";

const logger = createLogger({ name: "test", level: "silent" });

/** The lines of values on the page, each time anew. */
function gauge(samples: (() => { of?: string; value: number }[])[], label?: string) {
  const registry = new Registry();
  const rounds = samples.values();
  const sample = async () => (rounds.next().value ?? (() => []))();
  sampledGauge({ name: "waiting", help: "What waits.", ...(label && { label }), registry, logger, sample });
  return async () => (await registry.metrics()).split("\n").filter((line) => line.startsWith("waiting"));
}

const fail = () => {
  throw new Error("the database is down");
};

test("a value is looked up at each scrape", async () => {
  const page = gauge([() => [{ value: 3 }], () => [{ value: 0 }]]);
  expect([await page(), await page()]).toEqual([["waiting 3"], ["waiting 0"]]);
});

test("what no sample tells any more is gone", async () => {
  const page = gauge([() => [{ of: "A", value: 1 }], () => [{ of: "B", value: 2 }]], "state");
  expect([await page(), await page()]).toEqual([['waiting{state="A"} 1'], ['waiting{state="B"} 2']]);
});

test("a value that cannot be had is not told as an old one, nor as zero, and the page comes all the same", async () => {
  const page = gauge([() => [{ value: 3 }], fail]);
  expect([await page(), await page()]).toEqual([["waiting 3"], []]);
});
