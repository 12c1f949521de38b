import * as eventsv1 from "@tenon/contracts/events/v1";
import { type Command, UsageError } from "./command.ts";

/** The services that tell others what happens in them. */
const PUBLISHERS = ["user", "order", "payment"];

export const replayOutboxCommand: Command = {
  name: "replay-outbox",
  summary: `have events told again, of all services or of one: replay-outbox [${PUBLISHERS.join("|")}]`,
  takesWords: true,

  async run(operator, [only, ...rest]) {
    if (rest.length > 0 || (only !== undefined && !PUBLISHERS.includes(only))) {
      throw new UsageError(`name one of ${PUBLISHERS.join(", ")}, or none for all of them`);
    }
    for (const name of only === undefined ? PUBLISHERS : [only]) {
      const outbox = operator.connect(name, eventsv1.OutboxService);
      let last = 0n;
      for await (const { events } of outbox.replayOutbox({})) {
        if (events > last) operator.print(`${name}: ${events} events so far`);
        last = events;
      }
      operator.print(`${name}: ${last} events are told again.`);
    }
    return true;
  },
};
