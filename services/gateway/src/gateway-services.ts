import type { DescService } from "@bufbuild/protobuf";
import * as greeterv1 from "@tenon/contracts/greeter/v1";
import * as orderv1 from "@tenon/contracts/order/v1";
import * as paymentv1 from "@tenon/contracts/payment/v1";
import * as userv1 from "@tenon/contracts/user/v1";
import type { GatewayConfig } from "./config.ts";

/** The services that have routes, and the variable that says where each is. Methods without a route stay inside. */
export const GATEWAY_SERVICES: readonly { service: DescService; target: keyof GatewayConfig & `${string}_TARGET` }[] = [
  { service: greeterv1.GreetingService, target: "GREETER_TARGET" },
  { service: userv1.UserService, target: "USER_TARGET" },
  { service: userv1.SessionService, target: "USER_TARGET" },
  { service: userv1.KeyService, target: "USER_TARGET" },
  { service: orderv1.CatalogService, target: "ORDER_TARGET" },
  { service: orderv1.OrderService, target: "ORDER_TARGET" },
  { service: paymentv1.PaymentService, target: "PAYMENT_TARGET" },
  { service: paymentv1.LedgerService, target: "PAYMENT_TARGET" },
  { service: paymentv1.ReconciliationService, target: "PAYMENT_TARGET" },
];
