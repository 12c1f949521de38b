import { type Arbitrary, array, assert, constant, constantFrom, oneof, property, record, string } from "fast-check";
import { expect, test } from "vitest";
import { buildPath, type PathTemplate, parsePathTemplate, patternOf } from "./path-template.ts";
import { createRouteTrie } from "./route-trie.ts";

for (const [text, what] of [
  ["", "no / at position 0"],
  ["v1", "no /"],
  ["//", "an empty segment"],
  ["/v1/", "an empty segment"],
  ["/v1/{", "no field path"],
  ["/v1/{}", "no field path"],
  ["/v1/{a", "no }"],
  ["/v1/{a=}", "an empty segment"],
  ["/v1/{a=b", "no }"],
  ["/v1/{a={b}}", "a variable in a variable"],
  ["/v1/{a=b/{c}}", "a variable in a variable"],
  ["/v1/{1a}", "no field path"],
  ["/v1/{a..b}", "no field path"],
  ["/v1/{a}{b}", '"{" does not belong here'],
  ["/v1/{a}b", '"b" does not belong here'],
  ["/v1/{a}/{a}", "a for the second time"],
  ["/v1/**/**", "a second **"],
  ["/v1/{a=**}/{b=**}", "a second **"],
  ["/v1/**/*", "* after **"],
  ["/v1/**/{a}", "* after **"],
  ["/v1/***", '"***" is no literal'],
  ["/v1/a*", '"a*" is no literal'],
  ["/v1:", "an empty segment"],
  ["/v1:a:b", '":" does not belong here'],
  ["/v1:a/b", '"/" does not belong here'],
  ["/v1:{a}", "an empty segment"],
  ["/v1/a b", '"a b" is no literal'],
  ["/v1/%zz", "is no literal"],
  ["/v1/%ff", "is not UTF-8"],
  ["/v1/ü", "is no literal"],
] as const) {
  test(`the template ${JSON.stringify(text)} is refused`, () => {
    expect(() => parsePathTemplate(text)).toThrow(what);
  });
}

for (const [text, pattern] of [
  ["/", "/"],
  ["/v1/greet", "/v1/greet"],
  ["/v1/{a}", "/v1/*"],
  ["/v1/{a.b_c}", "/v1/*"],
  ["/v1/{a=shelves/*/books/*}", "/v1/shelves/*/books/*"],
  ["/v1/{a=**}:read", "/v1/**:read"],
  ["/v1/**/end", "/v1/**/end"],
  ["/.well-known/jwks.json", "/.well-known/jwks.json"],
  ["/v1/%67reet", "/v1/greet"],
] as const) {
  test(`${text} matches as ${pattern}`, () => expect(patternOf(parsePathTemplate(text))).toBe(pattern));
}

/** A piece of a template: its text, and for variables a value that fits. */
interface Piece {
  text: string;
  name?: string;
  value?: string;
}

const word = string({ unit: constantFrom(..."abz09.~_-"), minLength: 1, maxLength: 6 });
const anything = string({ unit: "grapheme", minLength: 1, maxLength: 8 });
const noSlash = anything.filter((text) => !text.includes("/"));
const pieces: Arbitrary<Piece[]> = array(
  oneof(
    word.map((text): Piece => ({ text })),
    record({ name: word, value: anything }).map(({ value }): Piece => ({ text: "{_}", value })),
    record({ a: word, value: noSlash }).map(({ a, value }): Piece => ({ text: `{_=${a}/*}`, value: `${a}/${value}` })),
  ),
  { minLength: 1, maxLength: 6 },
);
const tail: Arbitrary<Piece[]> = oneof(
  constant<Piece[]>([]),
  array(noSlash, { minLength: 1, maxLength: 4 }).map((words): Piece[] => [{ text: "{_=**}", value: words.join("/") }]),
  array(noSlash, { minLength: 1, maxLength: 4 }).map((words) => [
    { text: "{_=**}", value: words.join("/") },
    { text: "end" },
  ]),
);
const verb = oneof(
  constant(""),
  word.map((text) => `:${text}`),
);

test("a path made of a template gives the values back", () => {
  assert(
    property(pieces, tail, verb, (head, rest, end) => {
      const named = [...head, ...rest].map((piece, index) => ({
        ...piece,
        name: `f${index}`,
        text: piece.text.replace("_", `f${index}`),
      }));
      const template: PathTemplate = parsePathTemplate(`/${named.map(({ text }) => text).join("/")}${end}`);
      const values = Object.fromEntries(
        named.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
      );
      const trie = createRouteTrie<string>();
      trie.add(template, "found");
      const match = trie.match(buildPath(template, values));
      expect(match?.value).toBe("found");
      expect(Object.fromEntries(match?.variables ?? [])).toEqual(values);
    }),
    { numRuns: 500 },
  );
});

test("a template is its own pattern's equal", () => {
  assert(
    property(pieces, verb, (list, end) => {
      const text = `/${list.map((piece, index) => piece.text.replace("_", `f${index}`)).join("/")}${end}`;
      const pattern = patternOf(parsePathTemplate(text));
      expect(patternOf(parsePathTemplate(pattern))).toBe(pattern);
    }),
  );
});

for (const [text, values] of [
  ["/v1/{a}", {}],
  ["/v1/{a}", { a: "" }],
  ["/v1/{a=things/*}", { a: "things" }],
  ["/v1/{a=things/*}", { a: "things/" }],
  ["/v1/{a=things/*}", { a: "others/1" }],
  ["/v1/{a=things/**/end}", { a: "things" }],
  ["/v1/*", {}],
] as const) {
  test(`no path of ${text} is made of ${JSON.stringify(values)}`, () => {
    expect(() => buildPath(parsePathTemplate(text), values)).toThrow(text);
  });
}
