import { create, fromBinary, type Message } from "@bufbuild/protobuf";
import { StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import * as orderv1 from "@tenon/contracts/order/v1";
import { expect, test } from "vitest";
import { canonicalBytes } from "./canonical-bytes.ts";

const order = (init: Parameters<typeof create<typeof orderv1.CreateOrderRequestSchema>>[1]) =>
  create(orderv1.CreateOrderRequestSchema, init);
const hex = (request: Message) =>
  Buffer.from(canonicalBytes(orderv1.CreateOrderRequestSchema, request)).toString("hex");

const ITEM = { productId: "018f2b8e-0000-7000-8000-000000000001", quantity: 2 };
const unknown = (no: number, value: number) => ({ no, wireType: 0 as const, data: new Uint8Array([value]) });

test("3: the order of map entries does not count, at any depth", () => {
  const inner = (keys: string[]) => create(ValueSchema, { kind: { case: "structValue", value: flat(keys) } });
  const flat = (keys: string[]) => Object.fromEntries(keys.map((key) => [key, key]));
  const outer = (keys: string[], deep: string[]) =>
    create(StructSchema, { fields: Object.fromEntries(keys.map((key) => [key, inner(deep)])) });
  const bytes = canonicalBytes(StructSchema, outer(["a", "b"], ["x", "y"]));
  expect(canonicalBytes(StructSchema, outer(["b", "a"], ["y", "x"]))).toEqual(bytes);
  expect(canonicalBytes(StructSchema, outer(["b", "c"], ["y", "x"]))).not.toEqual(bytes);
});

test("3: every field counts, known or unknown, nested or not, and the order of a list does", () => {
  const request = order({ items: [ITEM, { ...ITEM, quantity: 3 }], paymentMethod: "pm_ok" });
  const others = [
    order({ items: request.items, paymentMethod: "pm_slow" }),
    order({ items: [...request.items].reverse(), paymentMethod: "pm_ok" }),
    order({ items: [ITEM, { ...ITEM, quantity: 4 }], paymentMethod: "pm_ok" }),
    { ...request, $unknown: [unknown(99, 1)] },
    { ...request, $unknown: [unknown(99, 2)] },
    { ...request, items: [{ ...request.items[0], $unknown: [unknown(99, 1)] } as never, request.items[1] as never] },
  ];
  expect(new Set([request, ...others].map(hex)).size).toBe(others.length + 1);
});

test("3: unknown fields may come in any order of their numbers, not of their values", () => {
  const request = (...fields: ReturnType<typeof unknown>[]) => ({ ...order({}), $unknown: fields });
  expect(hex(request(unknown(98, 1), unknown(99, 1)))).toBe(hex(request(unknown(99, 1), unknown(98, 1))));
  expect(hex(request(unknown(99, 1), unknown(99, 2)))).not.toBe(hex(request(unknown(99, 2), unknown(99, 1))));
});

test("the message is left as it is", () => {
  const request = fromBinary(orderv1.CreateOrderRequestSchema, new Uint8Array([0x98, 6, 1, 0x90, 6, 1]));
  canonicalBytes(orderv1.CreateOrderRequestSchema, request);
  expect(request.$unknown?.map(({ no }) => no)).toEqual([99, 98]);
});
