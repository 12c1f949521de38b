import { bookGuards } from "./of-books.ts";
import { eventGuards } from "./of-events.ts";
import { orderGuards } from "./of-orders.ts";
import { paymentGuards } from "./of-payments.ts";
import { requestGuards } from "./of-requests.ts";

export type { Guard } from "./guard.ts";

export const GUARDS = [...requestGuards, ...orderGuards, ...paymentGuards, ...bookGuards, ...eventGuards];
