import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import * as eventsv1 from "@tenon/contracts/events/v1";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as processorv1 from "@tenon/contracts/processor/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { SECRETS } from "@tenon/logger";
import { expect, test } from "vitest";

const files = [eventsv1, greeterv1, orderv1, paymentv1, processorv1, userv1].flatMap((contracts) =>
  Object.entries(contracts).flatMap(([name, value]) => (name.startsWith("file_") ? [value as DescFile] : [])),
);

const messagesIn = (messages: readonly DescMessage[]): DescMessage[] =>
  messages.flatMap((message) => [message, ...messagesIn(message.nestedMessages)]);

test("59: every field that a contract marks as secret is one that the logger never writes, however it is spelt", () => {
  const secret = messagesIn(files.flatMap(({ messages }) => messages))
    .flatMap(({ fields }) => fields)
    .filter(({ proto }) => proto.options?.debugRedact === true);
  const spelt = new Set(secret.flatMap(({ name, localName, jsonName }) => [name, localName, jsonName]));
  expect([...spelt].filter((name) => !SECRETS.has(name))).toEqual([]);
  expect([...spelt]).toEqual(expect.arrayContaining(["password", "email", "refreshToken", "payment_method"]));
});
