import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as warehousev1 from "@tenon/contracts/warehouse/v1";
import { type Once, type Paging, withSignal } from "@tenon/database";
import { StatusError } from "@tenon/errors";
import { type Call, type Implementation, implement } from "@tenon/grpc";
import { principalOf } from "@tenon/interceptors";
import type { Kysely } from "kysely";
import type { Tables } from "./warehouse-repository.ts";
import type { WarehouseService } from "./warehouse-service.ts";
import type { Access, Widget } from "./widget.ts";

export interface WarehouseHandlerOptions {
  db: Kysely<Tables>;
  /** The rules on a database or in a transaction of it. */
  service: (db: Kysely<Tables>) => WarehouseService;
  once: Once<Tables>;
  paging: Paging;
}

export function createWarehouseHandler({ db, service, once, paging }: WarehouseHandlerOptions): Implementation {
  const reading = (call: Call) => service(withSignal(db, call.signal));

  return implement(warehousev1.WarehouseService, {
    createWidget: (request, call) =>
      once(call, request, warehousev1.CreateWidgetResponseSchema, async (tx) => ({
        widget: toWire(await service(tx).createWidget(callerOf(call), request.name)),
      })),

    getWidget: async ({ widgetId }, call) => ({
      widget: toWire(await reading(call).getWidget(widgetId, accessOf(call))),
    }),

    async listWidgets(request, call) {
      const access = accessOf(call);
      const list = { method: call.method.path, access };
      const paged = await reading(call).listWidgets(access, paging.toPage(request, list));
      return { widgets: paged.items.map(toWire), nextPageToken: paging.toToken(paged, list) };
    },
  });
}

/** The user who calls. The contract lets in nobody else; PERMISSION_DENIED once it lets in services that have nothing of their own. */
function callerOf(call: Call): string {
  const principal = principalOf(call);
  if (principal.kind === "user") return principal.id;
  throw new StatusError("PERMISSION_DENIED", "only users have widgets", { reason: "NOT_ALLOWED" });
}

/** What this caller reaches. */
function accessOf(call: Call): Access {
  const principal = principalOf(call);
  return principal.kind === "user" && principal.role === "admin" ? "all" : { ownerId: callerOf(call) };
}

const toWire = ({ id, ownerId, name, createdAt }: Widget): MessageInitShape<typeof warehousev1.WidgetSchema> => ({
  id,
  ownerId,
  name,
  createTime: timestampFromDate(createdAt),
});
