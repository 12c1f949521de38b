import { randomUUID } from "node:crypto";
import type { DescMethodUnary } from "@bufbuild/protobuf";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import type { SeededRandom } from "@tenon/testing";

/** Somebody who has signed up, with what must be told to nobody else. */
export interface CanaryUser {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  /** What he may be told: his email, and every name that he has asked for, as soon as he asks. */
  readonly own: string[];
  accessToken: string;
  refreshToken: string;
}

/** One call, by gRPC or by REST, as it is drawn. */
export interface CanaryCall {
  readonly method: DescMethodUnary;
  /** The request, as JSON has it. */
  readonly request: object;
  /** The body by REST; by default the request. */
  readonly body?: object;
  readonly path: string;
  readonly verb: "GET" | "POST" | "PATCH" | "DELETE";
  /** Of the authorization header; by default there is none. */
  readonly authorization?: string;
  /** Secrets that the answer may tell, because they are the caller's own when it comes. */
  readonly mayTell?: readonly string[];
  /** The answer has tokens for the caller. */
  readonly tellsTokens?: true;
  /** Hears the answer of a call that went well. */
  onAnswer?(answer: object): void;
}

export interface CanaryCallsOptions {
  readonly random: SeededRandom;
  /** Part of every secret. */
  readonly marker: string;
  readonly users: CanaryUser[];
  readonly productId: string;
}

const { method: users } = userv1.UserService;
const { method: sessions } = userv1.SessionService;
const { method: orders } = orderv1.OrderService;
const { method: payments } = paymentv1.PaymentService;

/** Draws calls: what people do, what they get wrong, and what strangers try, with a secret in everything that may hold one. */
export function createCanaryCalls({ random, marker, users: known, productId }: CanaryCallsOptions): () => CanaryCall {
  let count = 0;
  const secret = (what: string): string => {
    count += 1;
    return `${marker}${what}${count}x${random.between(0, 1e9)}`;
  };
  const bearer = ({ accessToken }: CanaryUser) => ({ authorization: `Bearer ${accessToken}` });
  /** As it is when the answer comes: another call of the same user may have changed it meanwhile. */
  const anyone = () => random.pick(known);
  const items = [{ productId, quantity: 1 }];

  const signUp = (): CanaryCall => {
    const account = {
      email: `${secret("mail")}@example.com`,
      password: secret("password"),
      displayName: secret("name"),
    };
    const request = { requestId: randomUUID(), ...account };
    const mayTell = [account.email, account.displayName];
    return { method: users.createUser, request, verb: "POST", path: "/v1/users", mayTell };
  };
  const logIn = (password?: string): CanaryCall => {
    const user = anyone();
    return {
      ...{ method: sessions.createSession, verb: "POST", path: "/v1/sessions", tellsTokens: true },
      request: { email: user.email, password: password ?? user.password },
      mayTell: user.own,
      onAnswer: (answer) => void Object.assign(user, answer),
    };
  };
  const order = (request: object): CanaryCall => {
    const placed = { requestId: randomUUID(), items, ...request };
    return { method: orders.createOrder, request: placed, verb: "POST", path: "/v1/orders", ...bearer(anyone()) };
  };
  const getUser = (user: CanaryUser, userId: string): CanaryCall => ({
    ...{ method: users.getUser, request: { userId }, verb: "GET", path: `/v1/users/${userId}`, ...bearer(user) },
    mayTell: user.id === userId ? user.own : [],
  });
  const listOrders = (pageToken: string): CanaryCall => {
    const path = `/v1/orders?page_size=1&page_token=${pageToken}`;
    return { method: orders.listOrders, request: { pageSize: 1, pageToken }, verb: "GET", path, ...bearer(anyone()) };
  };
  const getMe = (authorization: string, mayTell: readonly string[] = []): CanaryCall => {
    return { method: users.getMe, request: {}, verb: "GET", path: "/v1/me", authorization, mayTell };
  };

  /** Each with how often it is drawn. What hashes a password takes a hundred times as long as the others. */
  const draws: readonly (readonly [weight: number, draw: () => CanaryCall])[] = [
    [1, signUp],
    [
      1,
      () => ({
        ...signUp(),
        request: { requestId: randomUUID(), email: anyone().email, displayName: "Ada", password: secret("password") },
        mayTell: [],
      }),
    ],
    [
      4,
      () => ({
        ...signUp(),
        request: { requestId: randomUUID(), email: secret("mail"), password: secret("password") },
      }),
    ],
    [
      4,
      () => ({
        ...signUp(),
        request: { requestId: secret("key"), email: "a@b.example", password: marker.slice(0, 12) },
      }),
    ],
    [1, logIn],
    [1, () => logIn(secret("password"))],
    [
      6,
      () => {
        const request = { requestId: randomUUID(), refreshToken: secret("refresh").padEnd(107, "0") };
        return { method: sessions.refreshSession, request, verb: "POST", path: "/v1/sessions:refresh" };
      },
    ],
    [
      1,
      () => {
        const user = anyone();
        return {
          ...{ method: sessions.refreshSession, verb: "POST", path: "/v1/sessions:refresh", tellsTokens: true },
          request: { requestId: randomUUID(), refreshToken: user.refreshToken },
          mayTell: user.own,
          onAnswer: (answer) => void Object.assign(user, answer),
        };
      },
    ],
    [
      1,
      () => {
        const user = anyone();
        const change = { oldPassword: secret("password"), newPassword: secret("password") };
        return {
          ...{
            method: users.changePassword,
            verb: "POST",
            path: `/v1/users/${user.id}:changePassword`,
            ...bearer(user),
          },
          request: { requestId: randomUUID(), userId: user.id, ...change },
        };
      },
    ],
    [
      5,
      () => {
        const [user, displayName, requestId] = [anyone(), secret("name"), randomUUID()];
        const path = `/v1/users/${user.id}?request_id=${requestId}&update_mask=displayName`;
        user.own.push(displayName);
        return {
          ...{ method: users.updateUser, verb: "PATCH", path, ...bearer(user) },
          request: { requestId, user: { id: user.id, displayName }, updateMask: "displayName" },
          body: { displayName },
          mayTell: user.own,
        };
      },
    ],
    [8, () => getMe(`Bearer ${secret("token")}`)],
    [4, () => getMe(`Bearer eyJhbGciOiJub25lIn0.${Buffer.from(secret("claims")).toString("base64url")}.`)],
    [2, () => getMe(`Basic ${Buffer.from(`ada:${secret("password")}`).toString("base64")}`)],
    [8, () => getUser(anyone(), anyone().id)],
    [4, () => getUser(anyone(), secret("id"))],
    [4, () => order({ paymentMethod: `pm_4111_${secret("card")}` })],
    [6, () => order({ paymentMethod: `4111 1111 1111 1111 ${secret("card")}`, cvv: secret("cvv") })],
    [4, () => order({ paymentMethod: "pm_ok", requestId: secret("key") })],
    [8, () => listOrders(secret("page"))],
    [8, () => listOrders("")],
    [
      4,
      () => {
        const request = { pageSize: 1, pageToken: secret("page") };
        const path = `/v1/payments?page_token=${request.pageToken}`;
        return { method: payments.listPayments, request, verb: "GET", path, ...bearer(anyone()) };
      },
    ],
    [
      2,
      () => {
        const userId = anyone().id;
        const request = { requestId: randomUUID(), userId };
        return {
          method: users.blockUser,
          request,
          verb: "POST",
          path: `/v1/users/${userId}:block`,
          ...bearer(anyone()),
        };
      },
    ],
    [2, () => ({ ...getUser(anyone(), secret("id")), path: `/v1/${secret("path")}?password=${secret("password")}` })],
    [4, () => ({ ...listOrders(""), path: `/v1/orders?password=${secret("password")}&cvv=${secret("cvv")}` })],
  ];
  const bag = draws.flatMap(([weight, draw]) => Array<() => CanaryCall>(weight).fill(draw));
  return () => random.pick(bag)();
}
