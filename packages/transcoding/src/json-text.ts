import type { JsonValue } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { ExactNumber } from "./exact-number.ts";

export interface ParsedJson {
  readonly json: JsonValue;
  /** It holds ExactNumbers, which `settleNumbers` puts in their place. */
  readonly exact: boolean;
}

/** As deep as protobuf messages nest by default. */
const MAX_DEPTH = 100;

/**
 * Parses JSON. What JSON.parse lets pass is refused: an object with a key twice, of which one value would be lost, and
 * nesting of more than 100 levels. Throws INVALID_ARGUMENT (JSON_INVALID), without the text: it may hold a secret.
 */
export function parseJson(text: string): ParsedJson {
  const json = parseWith(text);
  checkStructure(text);
  if (!/\d{16}/.test(text)) return { json, exact: false };
  return { json: parseWith(text, keepExact), exact: true };
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

const keepExact: Reviver = (_key, value, { source }) =>
  typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? new ExactNumber(source)
    : value;

function parseWith(text: string, reviver?: Reviver): JsonValue {
  try {
    // The third argument of a reviver is newer than TypeScript's declaration.
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as JsonValue;
  } catch (error) {
    const place = /at position (\d+)/.exec((error as Error).message)?.[1];
    throw jsonInvalid(`not JSON${place === undefined ? "" : `: unexpected at position ${place}`}`);
  }
}

/** The text is JSON already, so a string before a colon is a key. */
function checkStructure(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let start = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"':
        start = at;
        end = endOfString(text, at);
        at = end;
        break;
      case "{":
      case "[":
        open.push(text[at] === "{" ? new Set() : undefined);
        if (open.length > MAX_DEPTH) throw jsonInvalid(`nested deeper than ${MAX_DEPTH} levels`);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ":": {
        const keys = open.at(-1);
        const raw = text.slice(start + 1, end);
        const key = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
        if (keys?.has(key)) throw jsonInvalid("an object with a key twice");
        keys?.add(key);
      }
    }
  }
}

/** Where the string that begins here has its closing mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

export const jsonInvalid = (what: string): StatusError =>
  new StatusError("INVALID_ARGUMENT", `the body is ${what}`, { reason: "JSON_INVALID" });

/** UTF-8, or INVALID_ARGUMENT. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw jsonInvalid("not UTF-8");
  }
}
