import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { freePorts } from "@tenon/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assertPortsFree } from "./port-check.ts";

const host = "127.0.0.1";
const taken = createServer();
let port: number;
let free: number;
beforeAll(async () => {
  [free = 0] = await freePorts(1);
  await once(taken.listen(0, host), "listening");
  port = (taken.address() as AddressInfo).port;
});
afterAll(() => void taken.close());

const refusal = async (...listeners: { variable: string; host?: string; port: number }[]) => {
  const error = await assertPortsFree(listeners.map((listener) => ({ host, ...listener }))).catch((error) => error);
  return error?.message;
};

test("free ports are free, and stay so", async () => {
  expect(await refusal({ variable: "USER_PORT", port: free })).toBe(undefined);
  expect(await refusal({ variable: "USER_PORT", port: free })).toBe(undefined);
});

test("a port in use is named with its variable", async () => {
  expect(await refusal({ variable: "USER_PORT", port }, { variable: "ORDER_PORT", port: free })).toBe(
    `cannot listen on port ${port} (USER_PORT on 127.0.0.1: in use): stop what uses it, or set the variable to a free port`,
  );
});

test("all that cannot be had are in one line, each with its reason", async () => {
  const said = await refusal(
    { variable: "USER_PORT", port },
    { variable: "GREETER_PORT", port: free },
    { variable: "ORDER_PORT", port: free },
    { variable: "ORDER_ADMIN_PORT", port: 65_900 },
    { variable: "PAYMENT_PORT", host: "192.0.2.1", port: 9082 },
  );
  expect(said).toBe(
    `cannot listen on port ${port} (USER_PORT on 127.0.0.1: in use), ${free} (ORDER_PORT on 127.0.0.1: GREETER_PORT has it already), ` +
      "65900 (ORDER_ADMIN_PORT on 127.0.0.1: ports end at 65535), 9082 (PAYMENT_PORT on 192.0.2.1: not an address of this machine): " +
      "stop what uses them, or set the variables to free ports",
  );
});
