export { createEventHandler } from "./event-handler.ts";
export { type Fact, type NewEvent, toEvent } from "./event-message.ts";
export { inboxMigrations, outboxMigrations } from "./event-migrations.ts";
export { eventsConfig } from "./events-config.ts";
export { createGrpcPublisher, type GrpcPublisherOptions } from "./grpc-publisher.ts";
export {
  createInbox,
  type Effect,
  type EventOutcome,
  type Inbox,
  type InboxOptions,
  type Subscription,
  subscription,
} from "./inbox/event-inbox.ts";
export { createListening, type Listening, type ListeningOptions } from "./listening.ts";
export { createNatsConnection, type NatsConnection, type NatsConnectionOptions } from "./nats/nats-connection.ts";
export { createNatsPublisher, type NatsPublisher, type NatsPublisherOptions } from "./nats/nats-publisher.ts";
export { createNatsSubscriber, type NatsSubscriberOptions } from "./nats/nats-subscriber.ts";
export { createInboxHandler, createOutboxHandler } from "./operation-handlers.ts";
export { createOutbox, type Outbox, type OutboxEvent, type OutboxOptions } from "./outbox/event-outbox.ts";
export { type Write, withEvent, writeWithEvent } from "./outbox/write-event.ts";
export type { Publisher } from "./publisher.ts";
export { createPublishing, OUTBOX_CHANNEL, type PublishingOptions } from "./publishing.ts";
export { createRelay, type RelayOptions } from "./relay.ts";
