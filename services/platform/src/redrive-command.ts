import * as eventsv1 from "@tenon/contracts/events/v1";
import type { Command } from "./command.ts";

export const redriveCommand: Command = {
  name: "redrive",
  summary: "have dead letters tried again: events whose effect failed too often",

  async run(operator) {
    const inbox = operator.connect("order", eventsv1.InboxService);
    let letters = 0;
    for await (const { eventId, type, error } of inbox.redriveDeadLetters({})) {
      letters += 1;
      operator.print(`${type} ${eventId}: ${error}`);
    }
    operator.print(`order: ${letters} dead letters are tried again.`);
    return true;
  },
};
