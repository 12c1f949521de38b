import * as eventsv1 from "@tenon/contracts/events/v1";
import { StatusError } from "@tenon/errors";
import { type Call, type Implementation, implement } from "@tenon/grpc";
import { principalOf } from "@tenon/interceptors";
import type { EventMessage } from "./event-message.ts";
import type { Inbox } from "./inbox/event-inbox.ts";

/** EventService over an inbox. A service tells its own events only: those of the package that has its name. */
export function createEventHandler({ inbox }: { inbox: Inbox }): Implementation {
  return implement(eventsv1.EventService, {
    async deliver({ event: { value } }, call) {
      const event = value as EventMessage;
      assertOwn(event.$typeName, call);
      await inbox.receiveMessage(event);
      return {};
    },
  });
}

function assertOwn(type: string, call: Call): void {
  const principal = principalOf(call);
  if (principal.kind === "service" && type.startsWith(`${principal.name}.`)) return;
  throw new StatusError("PERMISSION_DENIED", `${type} is not yours to tell`, { reason: "NOT_ALLOWED" });
}
