import type * as greeterv1 from "@tenon/contracts/greeter/v1";
import type { CallOptions, Client } from "@tenon/grpc";

type GreeterClient = Client<typeof greeterv1.GreetingService>;

/** One call; yields what to print for each response when it comes. */
type GreetKind = (client: GreeterClient, name: string, options: CallOptions) => AsyncIterable<string>;

/** A call of each kind: one or many requests, one or many responses. */
export const GREET_KINDS = {
  async *greet(client, name, options) {
    const { message } = await client.greet({ name }, options);
    yield message;
  },

  async *list(client, name, options) {
    for await (const { message } of client.listGreetings({ names: namesOf(name) }, options)) yield message;
  },

  async *record(client, name, options) {
    const names = namesOf(name);
    const steps = [...names.map((name) => ({ name })), { last: true, count: names.length }];
    const { count } = await client.recordGreetings(steps, options);
    yield `${count} recorded`;
  },

  async *chat(client, name, options) {
    const requests = namesOf(name).map((name) => ({ name }));
    for await (const { message } of client.chatGreetings(requests, options)) yield message;
  },
} satisfies Record<string, GreetKind>;

/** Those that without a name would send nothing, and be answered with nothing. */
export const NEEDS_NAMES: ReadonlySet<string> = new Set(["record", "chat"]);

export const isGreetKind = (kind: string): kind is keyof typeof GREET_KINDS => Object.hasOwn(GREET_KINDS, kind);

/** Those that are separated by commas. */
export const namesOf = (names: string): string[] => names.split(",").filter((name) => name !== "");
