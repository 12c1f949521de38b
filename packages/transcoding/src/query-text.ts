import { StatusError } from "@tenon/errors";

/** More than any form has; each costs a look-up. */
const MAX_PARAMETERS = 1000;

/** The parameters of a query in their order. Throws INVALID_ARGUMENT where it is not encoded well, or has too many. */
export function parseQuery(query: string): [name: string, value: string][] {
  if (query === "") return [];
  const parts = query.split("&", MAX_PARAMETERS + 1);
  if (parts.length > MAX_PARAMETERS) throw queryInvalid(`has more than ${MAX_PARAMETERS} parameters`);
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return equals === -1 ? [decode(part), ""] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
    });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw queryInvalid("is not well percent-encoded UTF-8");
  }
}

const queryInvalid = (what: string): StatusError =>
  new StatusError("INVALID_ARGUMENT", `the query ${what}`, { reason: "QUERY_INVALID" });
