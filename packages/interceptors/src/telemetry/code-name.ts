import { CODES, type Code } from "@tenon/errors";

/** Dashboards know codes by the names that Go gives them: `OK`, `InvalidArgument`, and `Canceled` with one l. */
const NAMES = Object.fromEntries(CODES.map((code) => [code, toName(code)])) as Record<Code, string>;

export const codeName = (code: Code): string => NAMES[code];

export const CODE_NAMES: readonly string[] = CODES.map(codeName);

function toName(code: Code): string {
  if (code === "OK") return "OK";
  if (code === "CANCELLED") return "Canceled";
  return code.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
