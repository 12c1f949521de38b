export { exponentOf } from "./currency.ts";
export { fromMinor, type GoogleMoney, toMinor } from "./google-money.ts";
export { add, type FieldOptions, type Money, multiply } from "./money.ts";
