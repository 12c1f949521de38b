import type { PaymentState } from "./saga/payments.ts";

/** What the worker does about an order in some state. */
export type OrderStep = "authorize" | "capture" | "release" | "refund";

interface OrderStateRule<State extends string> {
  /** What is to be done; without one the order rests until somebody asks for a change. */
  readonly step?: OrderStep;
  /** Where a cancellation leads; the state itself where it changes nothing. Without one it is refused. */
  readonly cancel?: State;
  /** Where the order goes when it ends before any payment was asked for. */
  readonly unasked?: State;
  /** Where the order goes once its payment is found in some state. States that are absent decide nothing yet. */
  readonly payment?: Readonly<Partial<Record<PaymentState, State>>>;
}

const orderStates = <State extends string>(rules: { readonly [S in State]: OrderStateRule<NoInfer<State>> }) => rules;

/**
 * The life of an order. Types, rules and worker read this table; the migrations repeat it as constraints of the
 * database, which a test compares. An order follows its payment: whatever was asked of the payment and by whom, the state
 * in which it is found says what becomes of the order. So a cancellation that races with a capture has the winner that
 * the payment has.
 */
export const ORDER_STATES = orderStates({
  PENDING: {
    step: "authorize",
    cancel: "CANCELLING",
    unasked: "FAILED",
    payment: { AUTHORIZED: "AUTHORIZED", DECLINED: "FAILED", VOIDED: "FAILED", EXPIRED: "FAILED" },
  },
  AUTHORIZED: {
    step: "capture",
    cancel: "CANCELLING",
    payment: { CAPTURED: "CONFIRMED", DECLINED: "FAILED", VOIDED: "FAILED", EXPIRED: "FAILED" },
  },
  CONFIRMED: { cancel: "REFUNDING" },
  FAILED: {},
  CANCELLING: {
    step: "release",
    cancel: "CANCELLING",
    unasked: "CANCELLED",
    payment: {
      DECLINED: "CANCELLED",
      VOIDED: "CANCELLED",
      EXPIRED: "CANCELLED",
      CAPTURED: "REFUNDING",
      PARTIALLY_REFUNDED: "REFUNDING",
      REFUNDED: "REFUNDING",
    },
  },
  CANCELLED: { cancel: "CANCELLED" },
  REFUNDING: { step: "refund", cancel: "REFUNDING", payment: { REFUNDED: "REFUNDED" } },
  REFUNDED: { cancel: "REFUNDED" },
});

export type OrderState = keyof typeof ORDER_STATES;

export const orderStateNames = Object.keys(ORDER_STATES) as OrderState[];

/** The rule of a state, with every column of the table. */
export const ruleOf = (state: OrderState): OrderStateRule<OrderState> => ORDER_STATES[state];

/** Those from which a cancellation leads back, before the money is taken. */
export const unpaidStates: readonly OrderState[] = orderStateNames.filter(
  (state) => state !== "CANCELLING" && ruleOf(state).cancel === "CANCELLING",
);

/** What is to be done about an order, if anything: a confirmed one is worked on while refunds are under way. */
export const stepOf = ({ state, refunding }: { state: OrderState; refunding: { minor: bigint } }) =>
  state === "CONFIRMED" && refunding.minor > 0n ? "refund" : ruleOf(state).step;

/** The states that can follow this one. */
export function nextStates(state: OrderState): ReadonlySet<OrderState> {
  const { cancel, unasked, payment = {} } = ruleOf(state);
  const next = [cancel, unasked, ...Object.values(payment)].filter((name) => name !== undefined);
  return new Set(next.filter((name) => name !== state));
}

/** Nothing follows. */
export const isFinal = (state: OrderState): boolean => nextStates(state).size === 0;
