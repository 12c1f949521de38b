import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as eventsv1 from "@tenon/contracts/events/v1";
import { currentTraceParent } from "@tenon/interceptors";
import { v5 as uuidv5 } from "uuid";

/** What every event tells besides the state of its aggregate. */
export type EventMessage = Message & {
  id: string;
  aggregateId: string;
  version: bigint;
  createTime?: Timestamp | undefined;
  traceparent: string;
};

/** A fact that is to be told: which version of what, and since when it is so. */
export interface Fact {
  readonly aggregateId: string;
  readonly version: bigint;
  readonly at: Date;
}

/** An event as the outbox keeps it. */
export interface NewEvent {
  readonly eventId: string;
  readonly type: string;
  readonly aggregateId: string;
  readonly version: bigint;
  readonly message: Uint8Array;
}

/** The types of events that there are, by their full names: those that `events.v1.DeliverRequest` has a place for. */
export const EVENT_FIELDS: ReadonlyMap<string, { schema: DescMessage; name: string }> = new Map(
  (eventsv1.DeliverRequestSchema.oneofs[0]?.fields ?? []).flatMap(({ message, localName }) =>
    message ? [[message.typeName, { schema: message, name: localName }] as const] : [],
  ),
);

/**
 * The event of a fact. Its id is derived from what it tells. Fields of the state that the contract marks `debug_redact`
 * are left out, however deep: an event goes to many, and is kept.
 */
export function toEvent<S extends DescMessage>(schema: S, fact: Fact, state: MessageInitShape<S>): NewEvent {
  const { aggregateId, version, at } = fact;
  const eventId = uuidv5(`${schema.typeName} ${version}`, aggregateId);
  const header = { id: eventId, aggregateId, version, createTime: timestampFromDate(at) };
  const message = create(schema as DescMessage, { ...state, ...header, traceparent: currentTraceParent() ?? "" });
  clearSecrets(reflect(schema as DescMessage, message));
  return { eventId, type: schema.typeName, aggregateId, version, message: toBinary(schema as DescMessage, message) };
}

/** A message of the outbox, decoded. Throws where `events.v1.DeliverRequest` has no place for its type. */
export function readEvent({ type, message }: Pick<NewEvent, "type" | "message">): {
  name: string;
  event: EventMessage;
} {
  const field = EVENT_FIELDS.get(type);
  if (field === undefined) throw new Error(`events.v1.DeliverRequest has no place for a ${type}`);
  return { name: field.name, event: fromBinary(field.schema, message) as EventMessage };
}

function clearSecrets(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.proto.options?.debugRedact) message.clear(field);
    else for (const one of messagesIn(message, field)) clearSecrets(one);
  }
}

function messagesIn(message: ReflectMessage, field: DescField): Iterable<ReflectMessage> {
  if (field.fieldKind === "message") return [message.get(field)];
  if (!field.message) return [];
  const many = message.get(field) as ReflectList | ReflectMap;
  return many.values() as Iterable<ReflectMessage>;
}
