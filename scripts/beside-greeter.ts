// The services stand in some files by their names. The greeter is in all of them: what is said of it there is said again of
// a new service.

import { capital } from "./service-words.ts";

export interface Newcomer {
  readonly name: string;
  /** For gRPC; those for the admin's and health follow from it. */
  readonly port: number;
}

/** Whose places in a file a new service stands behind: the last of those that have a database. */
const LAST = "processor";
const LISTED = /["'\w]*(?:user|order|payment|processor)["'\w]*/gi;

const rename = (text: string, to: string): string =>
  text
    .replaceAll("GreetingService", `${capital(to)}Service`)
    .replaceAll("Greeter", capital(to))
    .replaceAll("GREETER", to.toUpperCase())
    .replaceAll("greeter", to);

/**
 * The text with a copy of each block that begins with a line about the greeter, renamed, behind the same one of the processor where
 * there is one. A line that lists services gets the name in its list. Throws where the greeter is not mentioned.
 */
export function besideGreeter(text: string, { name, port }: Newcomer): string {
  const lines = text.split("\n");
  const added = new Map<number, string[]>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    if (!/greeter/i.test(line)) continue;
    const listed = [...line.matchAll(LISTED)];
    if (listed.length > 0) {
      lines[i] = withListed(line, listed, name);
      continue;
    }
    const end = endOfBlock(lines, i);
    const copy = rename(lines.slice(i, end + 1).join("\n"), name)
      .replaceAll(/\b([89]|10)080\b/g, (was) => String(Number(was) - 8080 + port))
      .split("\n");
    const twin = lines.indexOf(rename(line, LAST));
    const behind = twin === -1 ? end : endOfBlock(lines, twin);
    const space = lines[end + 1] === "" && end > i ? [""] : [];
    added.set(behind, [...(added.get(behind) ?? []), ...space, ...copy]);
    i = end;
  }
  const result = lines.flatMap((line, i) => [line, ...(added.get(i) ?? [])]).join("\n");
  if (result === text) throw new Error("the greeter does not stand in it");
  return result;
}

function withListed(line: string, listed: readonly RegExpExecArray[], name: string): string {
  const last = listed.at(-1);
  if (last === undefined) return line;
  const [word] = last;
  const end = last.index + word.length;
  const before = line.slice(0, last.index);
  const separator = /[^"'\w]+$/.exec(before)?.[0] ?? " ";
  const own = word.replace(/user|order|payment|processor/i, (found) =>
    found === found.toUpperCase() ? name.toUpperCase() : name,
  );
  return `${line.slice(0, end)}${separator}${own}${line.slice(end)}`;
}

/** The last line of what is indented under a line, with the bracket that closes it. */
function endOfBlock(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start] ?? "");
  let end = start;
  while (end + 1 < lines.length && (lines[end + 1] ?? "").trim() !== "" && indentOf(lines[end + 1] ?? "") > indent)
    end++;
  const next = lines[end + 1] ?? "";
  return end > start && indentOf(next) === indent && /^\s*[)\]}]/.test(next) ? end + 1 : end;
}

const indentOf = (line: string): number => line.length - line.trimStart().length;
