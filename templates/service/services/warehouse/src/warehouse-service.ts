import type { Page, Paged } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { type Access, isWidgetName, type Widget } from "./widget.ts";

/** Where widgets are kept. */
export interface WarehouseRepository {
  insert(widget: Widget): Promise<void>;
  /** Undefined where there is none that the caller reaches. */
  find(id: string, access: Access): Promise<Widget | undefined>;
  /** The newest first. */
  list(access: Access, page: Page): Promise<Paged<Widget>>;
}

export interface WarehouseServiceOptions {
  repository: WarehouseRepository;
  now: () => Date;
  /** A UUIDv7, by which lists are ordered. */
  newId: () => string;
}

export type WarehouseService = ReturnType<typeof createWarehouseService>;

/** The rules of widgets. */
export function createWarehouseService({ repository, now, newId }: WarehouseServiceOptions) {
  return {
    /** Throws INVALID_ARGUMENT (VALIDATION_FAILED) where the name is none. */
    async createWidget(ownerId: string, name: string): Promise<Widget> {
      if (!isWidgetName(name)) throw invalidName();
      const widget = { id: newId(), ownerId, name, createdAt: now() };
      await repository.insert(widget);
      return widget;
    },

    async getWidget(id: string, access: Access): Promise<Widget> {
      const widget = await repository.find(id, access);
      if (widget === undefined) throw noSuchWidget(access);
      return widget;
    },

    listWidgets: (access: Access, page: Page): Promise<Paged<Widget>> => repository.list(access, page),
  };
}

const invalidName = () =>
  new StatusError("INVALID_ARGUMENT", "name must be 1 to 200 characters, none of them a control character", {
    reason: "VALIDATION_FAILED",
    violations: [{ field: "name", description: "must be 1 to 200 characters, none of them a control character" }],
  });

/** Who reaches only their own is told the same whether another's exists or not (AIP-211), so that ids cannot be probed. */
const noSuchWidget = (access: Access) =>
  access === "all"
    ? new StatusError("NOT_FOUND", "there is no widget with this id", { reason: "WIDGET_NOT_FOUND" })
    : new StatusError("PERMISSION_DENIED", "this is not yours to see or change", { reason: "NOT_ALLOWED" });
