import { expect, test } from "vitest";
import { parsePathTemplate } from "./path-template.ts";
import { createRouteTrie } from "./route-trie.ts";

const trieOf = (...templates: string[]) => {
  const trie = createRouteTrie<string>();
  for (const template of templates) trie.add(parsePathTemplate(template), template);
  return trie;
};

const ALL = trieOf(
  "/",
  "/v1/users",
  "/v1/users/{id}",
  "/v1/users/me",
  "/v1/users/{id}:block",
  "/v1/users:batch",
  "/v1/{name=shelves/*/books/*}",
  "/v1/shelves/{id}/**",
  "/v1/files/{name=**}",
  "/v1/files/{name=**}:read",
  "/v1/files/{name=**}/raw",
  "/v1/files/{name=**}/very/raw",
  "/v2/*/a/{x}",
  "/v2/b/*/{x}",
  "/v3/{a}/{b=**}/{c=end}",
);

for (const [path, template, variables] of [
  ["/", "/", {}],
  ["/v1/users", "/v1/users", {}],
  ["/v1/users/", undefined, {}],
  ["/v1//users", undefined, {}],
  ["//v1/users", undefined, {}],
  ["v1/users", undefined, {}],
  ["/v1/users/7", "/v1/users/{id}", { id: "7" }],
  ["/v1/users/me", "/v1/users/me", {}],
  ["/v1/users/%6De", "/v1/users/me", {}],
  ["/v1/users/7:block", "/v1/users/{id}:block", { id: "7" }],
  ["/v1/users/me:block", "/v1/users/{id}:block", { id: "me" }],
  ["/v1/users/7:unknown", "/v1/users/{id}", { id: "7:unknown" }],
  ["/v1/users/7%3Ablock", "/v1/users/{id}", { id: "7:block" }],
  ["/v1/users/a:b:block", "/v1/users/{id}:block", { id: "a:b" }],
  ["/v1/users/:block", "/v1/users/{id}", { id: ":block" }],
  ["/v1/users:batch", "/v1/users:batch", {}],
  ["/v1/users:%62atch", "/v1/users:batch", {}],
  ["/v1/users/a%2Fb", "/v1/users/{id}", { id: "a/b" }],
  ["/v1/users/%E2%82%AC", "/v1/users/{id}", { id: "€" }],
  ["/v1/users/a+b", "/v1/users/{id}", { id: "a+b" }],
  ["/v1/users/..", "/v1/users/{id}", { id: ".." }],
  ["/v1/shelves/1/books/2", "/v1/{name=shelves/*/books/*}", { name: "shelves/1/books/2" }],
  ["/v1/shelves/1%2F2/books/a%20b", "/v1/{name=shelves/*/books/*}", { name: "shelves/1%2F2/books/a b" }],
  ["/v1/shelves/1/films/2", "/v1/shelves/{id}/**", { id: "1" }],
  ["/v1/shelves/1", "/v1/shelves/{id}/**", { id: "1" }],
  ["/v1/files/a/b", "/v1/files/{name=**}", { name: "a/b" }],
  ["/v1/files", "/v1/files/{name=**}", { name: "" }],
  ["/v1/files/a%2fb/%C3%BC", "/v1/files/{name=**}", { name: "a%2fb/ü" }],
  ["/v1/files/a/b:read", "/v1/files/{name=**}:read", { name: "a/b" }],
  ["/v1/files/a/raw", "/v1/files/{name=**}/raw", { name: "a" }],
  ["/v1/files/a/very/raw", "/v1/files/{name=**}/very/raw", { name: "a" }],
  ["/v1/files/very/raw", "/v1/files/{name=**}/very/raw", { name: "" }],
  ["/v1/files/raw", "/v1/files/{name=**}/raw", { name: "" }],
  ["/v2/b/a/1", "/v2/b/*/{x}", { x: "1" }],
  ["/v2/c/a/1", "/v2/*/a/{x}", { x: "1" }],
  ["/v2/b/c/1", "/v2/b/*/{x}", { x: "1" }],
  ["/v3/1/2/3/end", "/v3/{a}/{b=**}/{c=end}", { a: "1", b: "2/3", c: "end" }],
  ["/v3/1/end", "/v3/{a}/{b=**}/{c=end}", { a: "1", b: "", c: "end" }],
  ["/v3/end", undefined, {}],
] as const) {
  test(`${path} is ${template ?? "no route"}`, () => {
    const match = ALL.match(path);
    expect(match?.value).toBe(template);
    if (match) expect(Object.fromEntries(match.variables)).toEqual(variables);
  });
}

for (const path of [
  "/v1/users/%",
  "/v1/users/%4",
  "/v1/users/%zz",
  "/v1/users/%ff",
  "/v1/users/%c0%af",
  "/v1/users/%ed%a0%80",
]) {
  test(`${path} is INVALID_ARGUMENT`, () => {
    expect(() => ALL.match(path)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "PATH_INVALID" }),
    );
  });
}

for (const [one, other] of [
  ["/v1/{a}", "/v1/{b.c}"],
  ["/v1/*", "/v1/{b}"],
  ["/v1/**", "/v1/{b=**}"],
  ["/v1/{a}:x", "/v1/*:x"],
  ["/v1/a", "/v1/%61"],
] as const) {
  test(`${one} and ${other} are one`, () => {
    const trie = trieOf(one);
    expect(trie.add(parsePathTemplate(other), "second")).toBe(one);
  });
}

/** The CPU that some work takes, whatever else the machine does; of so many runs that it can be told. */
function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  for (let runs = 1; ; runs++) {
    work();
    const { user, system } = process.threadCpuUsage(before);
    if (user + system > 50_000) return (user + system) / 1000 / runs;
  }
}

for (const [what, make] of [
  ["slashes", (length: number) => "/v1/files".padEnd(length, "/")],
  ["colons", (length: number) => "/v1/files/a".padEnd(length, ":")],
  ["escapes", (length: number) => `/v1/files/${"%2f".repeat(length / 3)}`],
  ["segments that nearly match", (length: number) => `/v1/files${"/very/raw".repeat(length / 9)}`],
] as const) {
  test(`the time of a path of ${what} grows with its length, not faster`, () => {
    const [short, long] = [make(16_000), make(128_000)];
    ALL.match(short);
    // Eight times as long; three times over that is the machine, sixty-four would be the square.
    expect(cpuMs(() => ALL.match(long))).toBeLessThan(24 * cpuMs(() => ALL.match(short)));
  });
}

test("the time of a match hardly depends on how many routes there are", () => {
  const few = trieOf(...Array.from({ length: 10 }, (_, index) => `/v1/c${index}/{id}`));
  const many = trieOf(...Array.from({ length: 10_000 }, (_, index) => `/v1/c${index}/{id}`));
  const lookUp = (trie: typeof few) => () => {
    for (let index = 0; index < 5000; index++) trie.match("/v1/c7/some-id");
  };
  lookUp(few)(); // compiled from here on
  expect(cpuMs(lookUp(many))).toBeLessThan(4 * cpuMs(lookUp(few)));
});
