import { StatusError } from "@tenon/errors";
import { type PathTemplate, placeIn } from "./path-template.ts";
import { decodeOfMany, decodeSegment } from "./percent.ts";

/** What a path led to, and the values of the variables by their field path. */
export interface PathMatch<T> {
  readonly value: T;
  readonly variables: readonly (readonly [fieldPath: string, text: string])[];
}

/** Path templates, compiled: the time of a match depends on the path, hardly on how many templates there are. */
export interface RouteTrie<T> {
  /** Adds a template. Where one is there already that matches the same paths, its value is returned and nothing added. */
  add(template: PathTemplate, value: T): T | undefined;
  /**
   * The template that fits best: segment by segment a literal goes before `*`, and `*` before `**`; of several suffixes
   * of `**` the longest. A verb goes before a segment with a colon. Throws INVALID_ARGUMENT where the path is not encoded well.
   */
  match(path: string): PathMatch<T> | undefined;
}

interface End<T> {
  readonly template: PathTemplate;
  readonly value: T;
}

/** What is reached by these segments; after `**`, by these segments from the end. */
interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  one?: Node<T>;
  many?: Node<T>;
  /** Templates that end here, by their verb. */
  readonly ends: Map<string, End<T>>;
}

const newNode = <T>(): Node<T> => ({ literals: new Map(), ends: new Map() });

export function createRouteTrie<T>(): RouteTrie<T> {
  const root = newNode<T>();
  const verbs = new Set<string>();

  function nodeOf({ segments }: PathTemplate): Node<T> {
    const many = segments.findIndex(({ kind }) => kind === "many");
    const before = many === -1 ? segments : segments.slice(0, many);
    let node = root;
    for (const segment of before) {
      if (segment.kind === "literal") node = literalOf(node, segment.text);
      else node = node.one ??= newNode();
    }
    if (many === -1) return node;
    node = node.many ??= newNode();
    for (const segment of segments.slice(many + 1).reverse()) {
      if (segment.kind === "literal") node = literalOf(node, segment.text);
    }
    return node;
  }

  return {
    add(template, value) {
      const { ends } = nodeOf(template);
      const there = ends.get(template.verb);
      if (there) return there.value;
      ends.set(template.verb, { template, value });
      verbs.add(template.verb);
      return undefined;
    },
    match(path) {
      const raw = path === "/" ? [] : path.slice(1).split("/");
      if (path[0] !== "/") return undefined;
      const last = raw.at(-1) ?? "";
      const colon = last.lastIndexOf(":");
      try {
        const words = raw.map(decodeSegment);
        const verb = colon === -1 ? "" : decodeSegment(last.slice(colon + 1));
        if (verb !== "" && verbs.has(verb)) {
          const stripped = last.slice(0, colon);
          const end = find(root, words.with(-1, decodeSegment(stripped)), 0, verb);
          if (end) return matchOf(end, raw.with(-1, stripped));
        }
        const end = find(root, words, 0, "");
        return end && matchOf(end, raw);
      } catch (cause) {
        if (!(cause instanceof URIError)) throw cause;
        throw new StatusError("INVALID_ARGUMENT", "the path is not well percent-encoded UTF-8", {
          reason: "PATH_INVALID",
          cause,
        });
      }
    },
  };
}

function literalOf<T>(node: Node<T>, text: string): Node<T> {
  const child = node.literals.get(text) ?? newNode<T>();
  node.literals.set(text, child);
  return child;
}

/** Each node is tried at one place of the path only, so that a path costs at most what it is long and the trie deep. */
function find<T>(node: Node<T>, words: readonly string[], index: number, verb: string): End<T> | undefined {
  if (index === words.length) {
    const end = node.ends.get(verb);
    if (end) return end;
  } else {
    const word = words[index] as string;
    const literal = node.literals.get(word);
    const end =
      (literal && find(literal, words, index + 1, verb)) ??
      (node.one && word !== "" ? find(node.one, words, index + 1, verb) : undefined);
    if (end) return end;
  }
  return node.many && findSuffix(node.many, words, index, verb);
}

function findSuffix<T>(node: Node<T>, words: readonly string[], first: number, verb: string): End<T> | undefined {
  let longest = node.ends.get(verb);
  let here: Node<T> | undefined = node;
  for (let index = words.length - 1; index >= first; index--) {
    here = here.literals.get(words[index] as string);
    if (here === undefined) break;
    longest = here.ends.get(verb) ?? longest;
  }
  return longest;
}

function matchOf<T>({ template, value }: End<T>, raw: readonly string[]): PathMatch<T> {
  const variables = template.variables.map(({ fieldPath, start, end, multiple }) => {
    const part = raw.slice(placeIn(template, start, raw.length), placeIn(template, end, raw.length));
    return [fieldPath, part.map(multiple ? decodeOfMany : decodeSegment).join("/")] as const;
  });
  return { value, variables };
}
