/** A contract whose routes cannot be served as they are declared. */
export class RouteError extends Error {
  override readonly name = "RouteError";
}
