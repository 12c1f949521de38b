import { expect, test } from "vitest";
import { createWarehouseService } from "./warehouse-service.ts";
import type { Widget } from "./widget.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const ADA = "019b76da-a800-7000-8000-00000000000a";
const BOB = "019b76da-a800-7000-8000-00000000000b";

function rig() {
  const kept: Widget[] = [];
  const service = createWarehouseService({
    repository: {
      insert: async (widget) => void kept.push(widget),
      find: async (id, access) =>
        kept.find((widget) => widget.id === id && (access === "all" || widget.ownerId === access.ownerId)),
      list: async () => ({ items: kept }),
    },
    now: () => NOW,
    newId: () => `id-${kept.length + 1}`,
  });
  return { service, kept };
}

test("what is made is its maker's, and of this moment", async () => {
  const { service, kept } = rig();
  const made = await service.createWidget(ADA, "the first");
  expect(made).toEqual({ id: "id-1", ownerId: ADA, name: "the first", createdAt: NOW });
  expect(kept).toEqual([made]);
});

for (const [what, name] of [
  ["nothing", ""],
  ["blanks", "  "],
  ["201 characters", "a".repeat(201)],
  ["NUL", "a\0b"],
  ["half a character", "a\ud800"],
] as const) {
  test(`a name of ${what} is refused by its field, and nothing is made`, async () => {
    const { service, kept } = rig();
    await expect(service.createWidget(ADA, name)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "VALIDATION_FAILED",
      violations: [{ field: "name" }],
    });
    expect(kept).toEqual([]);
  });
}

test("200 characters outside the basic plane are a name", async () => {
  const { service } = rig();
  const name = "🪚".repeat(200);
  expect((await service.createWidget(ADA, name)).name).toBe(name);
});

test("another's is refused as what never was is, and an admin is told the difference", async () => {
  const { service } = rig();
  const { id } = await service.createWidget(ADA, "the first");
  expect((await service.getWidget(id, { ownerId: ADA })).id).toBe(id);
  expect((await service.getWidget(id, "all")).id).toBe(id);
  for (const asked of [id, "unknown"]) {
    await expect(service.getWidget(asked, { ownerId: BOB })).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "NOT_ALLOWED",
    });
  }
  await expect(service.getWidget("unknown", "all")).rejects.toMatchObject({
    code: "NOT_FOUND",
    reason: "WIDGET_NOT_FOUND",
  });
});
