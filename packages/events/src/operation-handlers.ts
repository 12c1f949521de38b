import * as eventsv1 from "@tenon/contracts/events/v1";
import { type Implementation, implement } from "@tenon/grpc";
import type { Kysely } from "kysely";
import type { Inbox } from "./inbox/event-inbox.ts";
import { createOutbox } from "./outbox/event-outbox.ts";

/** OutboxService of a service that has an outbox in this database. */
// biome-ignore lint/suspicious/noExplicitAny: whatever else is in the service's database.
export function createOutboxHandler({ db }: { db: Kysely<any> }): Implementation {
  return implement(eventsv1.OutboxService, {
    async *replayOutbox(_request, { signal }) {
      for await (const events of createOutbox({ db }).replay({ signal })) yield { events: BigInt(events) };
    },
  });
}

/** InboxService over an inbox. */
export function createInboxHandler({ inbox }: { inbox: Pick<Inbox, "redrive"> }): Implementation {
  return implement(eventsv1.InboxService, { redriveDeadLetters: () => inbox.redrive() });
}
