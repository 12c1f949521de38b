import { create } from "@bufbuild/protobuf";
import * as eventsv1 from "@tenon/contracts/events/v1";
import type { Client } from "@tenon/grpc";
import { readEvent } from "./event-message.ts";
import type { OutboxEvent } from "./outbox/event-outbox.ts";
import type { Publisher } from "./publisher.ts";

export interface GrpcPublisherOptions {
  /** Those who listen; each gets every event. None is possible: then events are published as soon as they are seen. */
  subscribers: readonly Pick<Client<typeof eventsv1.EventService>, "deliver">[];
}

/** Delivers events to services by calls, where there is no broker: an event is published once each of them has taken it. */
export function createGrpcPublisher({ subscribers }: GrpcPublisherOptions): Publisher {
  return {
    async publish(event, signal) {
      if (subscribers.length === 0) return;
      const request = toRequest(event);
      await Promise.all(subscribers.map((subscriber) => subscriber.deliver(request, { signal })));
    },
  };
}

function toRequest(event: OutboxEvent): eventsv1.DeliverRequest {
  const { name, event: value } = readEvent(event);
  // The schema was found by the field's own descriptor, so case and value belong together.
  return create(eventsv1.DeliverRequestSchema, { event: { case: name, value } as never });
}
