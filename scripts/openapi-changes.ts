/** A part of an OpenAPI document. */
// biome-ignore lint/suspicious/noExplicitAny: a document is walked place by place
type Json = any;

/** What is received may become wider, what is sent must keep all that it has. */
type Direction = "request" | "response";

/**
 * What in a document would break a client of the one before, each change in a line that names its place. Both are OpenAPI
 * 3.1 as the gateway writes it; what only adds is not told.
 */
export function breakingChanges(before: Json, after: Json): string[] {
  const found: string[] = [];
  const say = (place: string, what: string) => void found.push(`${place}: ${what}`);
  const compared = new Set<string>();

  for (const [path, item] of entries(before.paths)) {
    if (after.paths?.[path] === undefined) {
      say(path, "the path is removed");
      continue;
    }
    for (const [method, operation] of entries(item)) {
      const place = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path][method];
      if (now === undefined) say(place, "the operation is removed");
      else compareOperation(place, operation, now);
    }
  }
  return found;

  function compareOperation(place: string, old: Json, now: Json): void {
    if (old.operationId !== now.operationId) {
      say(place, `its operationId ${old.operationId} is now ${now.operationId}`);
    }
    if ((old.security ?? []).length === 0 && (now.security ?? []).length > 0) say(place, "it needs a token now");
    compareParameters(place, old.parameters ?? [], now.parameters ?? []);
    if (old.requestBody === undefined && now.requestBody?.required) say(place, "a body is required now");
    if (old.requestBody !== undefined) {
      if (now.requestBody === undefined) say(place, "it takes no body any more");
      else compareContent(`${place} body`, old.requestBody, now.requestBody, "request");
    }
    for (const [status, response] of entries(old.responses)) {
      const other = now.responses[status];
      if (other === undefined) say(place, `the response ${status} is removed`);
      else compareContent(`${place} ${status}`, resolve(before, response), resolve(after, other), "response");
    }
  }

  function compareParameters(place: string, old: Json[], now: Json[]): void {
    // Those of the path are told by their place in it, the others by their name.
    const inPath = (list: Json[]) => list.filter((one) => one.in === "path");
    const pairs = [
      ...inPath(old).map((one, index) => [one, inPath(now)[index]]),
      ...old
        .filter((one) => one.in !== "path")
        .map((one) => [one, now.find(({ name, in: where }) => name === one.name && where === one.in)]),
    ];
    for (const [one, other] of pairs) {
      const at = `${place} parameter ${one.name}`;
      if (other === undefined) say(at, "is removed");
      else {
        if (!one.required && other.required) say(at, "is required now");
        compareSchema(at, one.schema, other.schema, "request");
      }
    }
    const known = new Set(old.map(({ name, in: where }) => `${where} ${name}`));
    for (const { name, in: where, required } of now) {
      if (where !== "path" && required && !known.has(`${where} ${name}`)) {
        say(`${place} parameter ${name}`, "is new and required");
      }
    }
  }

  function compareContent(place: string, old: Json, now: Json, direction: Direction): void {
    if (direction === "request" && !old.required && now.required) say(place, "is required now");
    for (const [type, { schema }] of entries(old.content)) {
      const other = now.content?.[type];
      if (other === undefined) say(place, `${type} is removed`);
      else compareSchema(`${place} ${type}`, schema, other.schema, direction);
    }
  }

  function compareSchema(place: string, oldOrRef: Json, nowOrRef: Json, direction: Direction): void {
    // A schema that has a name is compared once each way, and told by it.
    const name = oldOrRef?.$ref?.split("/").at(-1);
    if (name !== undefined) {
      const key = `${direction} ${name} ${JSON.stringify(nowOrRef)}`;
      if (compared.has(key)) return;
      compared.add(key);
    }
    const at = name ?? place;
    const [old, now] = [resolve(before, oldOrRef ?? {}), resolve(after, nowOrRef ?? {})];
    if (JSON.stringify(old.type) !== JSON.stringify(now.type)) {
      say(at, `its type ${JSON.stringify(old.type)} is now ${JSON.stringify(now.type)}`);
      return;
    }
    if (old.format !== now.format && (old.format !== undefined || direction === "request")) {
      say(at, `its format ${old.format ?? "(any)"} is now ${now.format ?? "(any)"}`);
    }
    compareEnum(at, old, now, direction);
    if (direction === "request") compareLimits(at, old, now);
    for (const [field, schema] of entries(old.properties)) {
      const other = now.properties?.[field];
      if (other === undefined) say(`${at}.${field}`, "is removed");
      else compareSchema(`${at}.${field}`, schema, other, direction);
    }
    const had = new Set<string>(old.required ?? []);
    const has = new Set<string>(now.required ?? []);
    for (const field of direction === "request" ? has : had) {
      if (direction === "request" && !had.has(field)) say(`${at}.${field}`, "is required now");
      if (direction === "response" && !has.has(field)) say(`${at}.${field}`, "is not always there any more");
    }
    if (old.items) compareSchema(`${at}[]`, old.items, now.items, direction);
    if (old.additionalProperties)
      compareSchema(`${at}{}`, old.additionalProperties, now.additionalProperties, direction);
  }

  function compareEnum(place: string, old: Json, now: Json, direction: Direction): void {
    if (old.enum === undefined && now.enum !== undefined && direction === "request") say(place, "is an enum now");
    const gone = (old.enum ?? []).filter((value: string) => now.enum !== undefined && !now.enum.includes(value));
    if (gone.length > 0) say(place, `the value ${gone.join(", ")} is removed`);
  }

  function compareLimits(place: string, old: Json, now: Json): void {
    for (const [keyword, narrower] of LIMITS) {
      if (now[keyword] === undefined || old[keyword] === now[keyword]) continue;
      if (old[keyword] === undefined || narrower(now[keyword], old[keyword])) {
        say(place, `its ${keyword} ${old[keyword] ?? "(none)"} is now ${now[keyword]}`);
      }
    }
  }
}

type Narrower = (now: number, old: number) => boolean;
const higher: Narrower = (now, old) => now > old;
const lower: Narrower = (now, old) => now < old;

const LIMITS: readonly (readonly [keyword: string, narrower: Narrower])[] = [
  ["minimum", higher],
  ["exclusiveMinimum", higher],
  ["minLength", higher],
  ["minItems", higher],
  ["minProperties", higher],
  ["maximum", lower],
  ["exclusiveMaximum", lower],
  ["maxLength", lower],
  ["maxItems", lower],
  ["maxProperties", lower],
  ["pattern", () => true],
  ["const", () => true],
  ["uniqueItems", (now) => Boolean(now)],
];

const entries = (object: Json): [string, Json][] => Object.entries(object ?? {});

/** What a reference names; its own words beside it do not matter here. */
const resolve = (document: Json, schema: Json): Json =>
  typeof schema.$ref === "string"
    ? schema.$ref
        .slice(2)
        .split("/")
        .reduce((inside: Json, key: string) => inside?.[key], document)
    : schema;
