import { natsUrl } from "@tenon/config";

/** What the environment tells a service that tells others what happens, or listens to them. */
export const eventsConfig = {
  NATS_URL: natsUrl({
    default: undefined,
    desc: "NATS with JetStream that carries events, as nats://user:password@host:4222; by default services deliver them",
  }),
};
