import { v7 as uuidv7 } from "uuid";
import type { Payment, PaymentState, Payments } from "./payments.ts";

/** For tests: payments as the payment service keeps them, with every moment of a request in the test's hands. */
export interface SimulatedPayments extends Payments {
  /** By order. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** Every request that arrived, repeated ones too. */
  readonly requests: readonly { step: PaymentStep; requestId: string }[];
  /** Runs before a request arrives and after it had its effect; what it throws loses the request, or the answer. */
  onMoment: (moment: { step: PaymentStep; phase: "before" | "after" }) => Promise<void> | void;
  /** The reservation of an order runs out. */
  expire(orderId: string): void;
}

export type PaymentStep = keyof Payments;

export interface Account {
  readonly id: string;
  state: PaymentState;
  authorizedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  /** Amounts that left the card, each time one did. */
  readonly charges: bigint[];
}

export function createSimulatedPayments(): SimulatedPayments {
  const accounts = new Map<string, Account>();
  const answers = new Map<string, Payment>();
  const requests: { step: PaymentStep; requestId: string }[] = [];

  /** One request: a repetition has the first one's answer; a refusal shows the payment as it is. */
  async function handle(
    step: PaymentStep,
    requestId: string,
    effect: () => Payment | undefined,
    present: () => Payment,
  ) {
    await simulated.onMoment({ step, phase: "before" });
    requests.push({ step, requestId });
    let answer = answers.get(requestId);
    if (answer === undefined) {
      answer = effect();
      if (answer !== undefined) answers.set(requestId, answer);
    }
    await simulated.onMoment({ step, phase: "after" });
    return answer ?? present();
  }

  const view = ({ id, state, refundedMinor }: Account): Payment => ({ id, state, refundedMinor });
  const byId = (paymentId: string): Account => {
    const account = [...accounts.values()].find(({ id }) => id === paymentId);
    if (account === undefined) throw new Error("there is no such payment");
    return account;
  };

  const simulated: SimulatedPayments = {
    accounts,
    requests,
    onMoment: () => {},
    expire(orderId) {
      const account = accounts.get(orderId);
      if (account?.state === "AUTHORIZED") account.state = "EXPIRED";
    },

    authorize: ({ requestId, orderId, amount, paymentMethod }) => {
      const reserve = () => {
        if (accounts.has(orderId)) return undefined;
        if (paymentMethod === "pm_declined")
          return { id: undefined, state: "DECLINED" as const, declineReason: "broke" };
        const none = { capturedMinor: 0n, refundedMinor: 0n, charges: [] };
        const account: Account = { id: uuidv7(), state: "AUTHORIZED", authorizedMinor: amount.minor, ...none };
        accounts.set(orderId, account);
        return view(account);
      };
      return handle("authorize", requestId, reserve, () => view(accounts.get(orderId) as Account));
    },

    capture: ({ requestId, paymentId }) => {
      const account = byId(paymentId);
      const take = () => {
        if (account.state !== "AUTHORIZED") return undefined;
        account.state = "CAPTURED";
        account.capturedMinor = account.authorizedMinor;
        account.charges.push(account.authorizedMinor);
        return view(account);
      };
      return handle("capture", requestId, take, () => view(account));
    },

    release: ({ requestId, paymentId }) => {
      const account = byId(paymentId);
      const giveUp = () => {
        if (account.state !== "AUTHORIZED") return undefined;
        account.state = "VOIDED";
        return view(account);
      };
      return handle("release", requestId, giveUp, () => view(account));
    },

    refund: ({ requestId, paymentId, amount }) => {
      const account = byId(paymentId);
      const giveBack = () => {
        if (account.refundedMinor + amount.minor > account.capturedMinor) return undefined;
        account.refundedMinor += amount.minor;
        account.state = account.refundedMinor === account.capturedMinor ? "REFUNDED" : "PARTIALLY_REFUNDED";
        return view(account);
      };
      return handle("refund", requestId, giveBack, () => view(account));
    },
  };
  return simulated;
}
