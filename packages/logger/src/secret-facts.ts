/**
 * Facts that never reach a line, whoever logs them, at the top or one level down: as contracts spell them and as messages do.
 * Every field that a contract marks `debug_redact` is among them.
 */
export const SECRETS: ReadonlySet<string> = new Set([
  "password",
  "old_password",
  "oldPassword",
  "new_password",
  "newPassword",
  "authorization",
  "access_token",
  "accessToken",
  "refresh_token",
  "refreshToken",
  "email",
  "display_name",
  "displayName",
  "payment_method",
  "paymentMethod",
]);
