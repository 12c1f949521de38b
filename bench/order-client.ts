import { randomUUID } from "node:crypto";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import { createClient, createMetadata, type Metadata } from "@tenon/grpc";

/** One who signs up, and orders the same again and again. */
export interface OrderClient extends Disposable {
  readonly userId: string;
  readonly productId: string;
  /** Resolves with the order's id once it is durable. */
  place(): Promise<string>;
  /** The calls that read orders and payments, as a user and as an admin. */
  list(): Promise<void>;
  /** What an admin sends. */
  asAdmin(): Metadata;
}

const CALL_MS = 20_000;

export async function createOrderClient(options: {
  targets: Readonly<Record<"order" | "payment" | "user", string>>;
  admin: { email: string; password: string };
}): Promise<OrderClient> {
  const { targets, admin } = options;
  const orders = createClient(orderv1.OrderService, { target: targets.order });
  const catalog = createClient(orderv1.CatalogService, { target: targets.order });
  const payments = createClient(paymentv1.PaymentService, { target: targets.payment });
  const users = createClient(userv1.UserService, { target: targets.user });
  const sessions = createClient(userv1.SessionService, { target: targets.user });
  const timeoutMs = CALL_MS;
  const as = async (account: { email: string; password: string }) => {
    const { accessToken } = await sessions.createSession(account, { timeoutMs });
    return () => createMetadata({ authorization: `Bearer ${accessToken}` });
  };

  const account = { email: `${randomUUID()}@bench.example`, password: randomUUID() };
  const signUp = { requestId: randomUUID(), displayName: "Bench", ...account };
  const { user } = await users.createUser(signUp, { timeoutMs });
  const [asUser, asAdmin] = [await as(account), await as(admin)];
  const { products } = await catalog.listProducts({}, { timeoutMs });
  const product = products.find(({ price }) => price?.currencyCode === "EUR");
  if (!user || !product) throw new Error("the platform has neither user nor product");

  return {
    userId: user.id,
    productId: product.id,
    asAdmin,
    async place() {
      const items = [{ productId: product.id, quantity: 1 }];
      const request = { requestId: randomUUID(), items, paymentMethod: "pm_ok" };
      const { order } = await orders.createOrder(request, { metadata: asUser(), timeoutMs });
      return order?.id ?? "";
    },
    async list() {
      const [mine, all] = [
        { metadata: asUser(), timeoutMs },
        { metadata: asAdmin(), timeoutMs },
      ];
      const { orders: found } = await orders.listOrders({ pageSize: 20 }, mine);
      const orderId = found[0]?.id ?? "";
      const first = await orders.listOrders({ pageSize: 20, state: orderv1.OrderState.CONFIRMED }, all);
      await orders.listOrders(
        { pageSize: 20, state: orderv1.OrderState.CONFIRMED, pageToken: first.nextPageToken },
        all,
      );
      await orders.listOrders({ pageSize: 20 }, all);
      await orders.getOrder({ orderId }, mine);
      await payments.listPayments({ pageSize: 20 }, mine);
      await payments.listPayments({ pageSize: 20, orderId }, all);
    },
    [Symbol.dispose]() {
      for (const client of [orders, catalog, payments, users, sessions]) client.close();
    },
  };
}
