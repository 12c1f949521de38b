import { decodeSegment, encodeSegment } from "./percent.ts";

/** One segment of a template: a text, `*` (any one that is not empty) or `**` (any number, also none). */
export type Segment = { readonly kind: "literal"; readonly text: string } | { readonly kind: "one" | "many" };

/** A part of the path that is the value of a field: the segments from `start` up to `end`. */
export interface Variable {
  readonly fieldPath: string;
  readonly start: number;
  readonly end: number;
  /** Its value may hold slashes, so that `%2F` in it stays as it is. */
  readonly multiple: boolean;
}

/** A path template of google.api.http, taken apart. */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly variables: readonly Variable[];
  /** What stands after the last colon; empty where there is none. */
  readonly verb: string;
}

/** A template that does not follow the grammar of google/api/http.proto. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const IDENT = /^[A-Za-z_]\w*$/;
/** pchar of RFC 3986 without the colon, which begins a verb. */
const LITERAL = /^(?:[\w.~!$&'()+,;=@-]|%[\dA-Fa-f]{2})+$/;

/**
 * Reads a template by the grammar of google/api/http.proto. Beyond it, literals may follow `**`; there is one `**` at
 * most. Variables in variables and empty verbs are refused. Throws a TemplateError that names the place.
 */
export function parsePathTemplate(text: string): PathTemplate {
  const segments: Segment[] = [];
  const variables: Variable[] = [];
  let at = 0;

  const fail = (what: string, position = at): never => {
    throw new TemplateError(`path template "${text}": ${what} at position ${position}`);
  };
  const take = (stop: RegExp): string => {
    const length = text.slice(at).search(stop);
    const taken = length === -1 ? text.slice(at) : text.slice(at, at + length);
    at += taken.length;
    return taken;
  };
  const push = (segment: Segment, start: number): void => {
    const many = segments.some(({ kind }) => kind === "many");
    if (many && segment.kind !== "literal") fail(segment.kind === "many" ? "a second **" : "* after **", start);
    segments.push(segment);
  };
  const readSegment = (): void => {
    const start = at;
    const word = take(/[/:{}=]/);
    if (word === "*") push({ kind: "one" }, start);
    else if (word === "**") push({ kind: "many" }, start);
    else push({ kind: "literal", text: readLiteral(word, start) }, start);
  };
  const readLiteral = (word: string, start: number): string => {
    if (!LITERAL.test(word)) fail(word === "" ? "an empty segment" : `"${word}" is no literal`, start);
    try {
      return decodeSegment(word);
    } catch {
      return fail(`"${word}" is not UTF-8`, start);
    }
  };
  const readVariable = (): void => {
    const opened = at++;
    const fieldPath = take(/[^\w.]/);
    if (!fieldPath.split(".").every((name) => IDENT.test(name))) fail("no field path", opened + 1);
    if (variables.some((other) => other.fieldPath === fieldPath)) fail(`${fieldPath} for the second time`, opened);
    const start = segments.length;
    if (text[at] === "=") {
      do {
        at++;
        if (text[at] === "{") fail("a variable in a variable");
        readSegment();
      } while (text[at] === "/");
    } else push({ kind: "one" }, opened);
    if (text[at] !== "}") fail("no }");
    at++;
    const inside = segments.slice(start);
    const multiple = inside.length > 1 || inside[0]?.kind === "many";
    variables.push({ fieldPath, start, end: segments.length, multiple });
  };

  if (text[0] !== "/") fail("no /");
  if (text === "/") return { text, segments, variables, verb: "" };
  while (text[at] === "/") {
    at++;
    if (text[at] === "{") readVariable();
    else readSegment();
  }
  let verb = "";
  if (text[at] === ":") {
    at++;
    const start = at;
    verb = readLiteral(take(/[/:{}]/), start);
  }
  if (at < text.length) fail(`"${text[at]}" does not belong here`);
  return { text, segments, variables, verb };
}

/** What templates that match the same paths have in common: names of variables do not count. */
export const patternOf = ({ segments, verb }: PathTemplate): string => {
  const words = segments.map((segment) =>
    segment.kind === "literal" ? encodeSegment(segment.text) : segment.kind === "one" ? "*" : "**",
  );
  return `/${words.join("/")}${verb === "" ? "" : `:${encodeSegment(verb)}`}`;
};

/** The index in a path of `length` segments of what is at `index` in the template: `**` takes what the others leave. */
export function placeIn({ segments }: PathTemplate, index: number, length: number): number {
  const many = segments.findIndex(({ kind }) => kind === "many");
  return many === -1 || index <= many ? index : length - (segments.length - index);
}

/**
 * The path that a template makes of the values of its variables: matched against the template it gives them back. Throws
 * a TemplateError where a value is missing or does not fit.
 */
export function buildPath(template: PathTemplate, values: Readonly<Record<string, string>>): string {
  const words: string[] = [];
  let index = 0;
  const plain = (end: number) => {
    for (; index < end; index++) {
      const segment = template.segments[index] as Segment;
      if (segment.kind !== "literal") throw new TemplateError(`${template.text}: a * that no variable fills`);
      words.push(encodeSegment(segment.text));
    }
  };
  for (const { fieldPath, start, end, multiple } of template.variables) {
    plain(start);
    const value = values[fieldPath];
    const inside = template.segments.slice(start, end);
    if (value === undefined || !fits(multiple ? value.split("/") : [value], inside)) {
      throw new TemplateError(`${template.text}: no value of ${fieldPath} that fits`);
    }
    words.push(multiple ? value.split("/").map(encodeSegment).join("/") : encodeSegment(value));
    index = end;
  }
  plain(template.segments.length);
  return `/${words.join("/")}${template.verb === "" ? "" : `:${encodeSegment(template.verb)}`}`;
}

function fits(words: readonly string[], inside: readonly Segment[]): boolean {
  const many = inside.findIndex(({ kind }) => kind === "many");
  if (many === -1 ? words.length !== inside.length : words.length < inside.length - 1) return false;
  return inside.every((segment, index) => {
    if (segment.kind === "many") return true;
    const word = words[many === -1 || index < many ? index : words.length - (inside.length - index)];
    return segment.kind === "literal" ? word === segment.text : word !== "";
  });
}
