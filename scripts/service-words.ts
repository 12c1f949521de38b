import { Script } from "node:vm";

/** How a new service and what it keeps are called. */
export interface ServiceWords {
  /** One word in small letters: `inventory`. */
  readonly name: string;
  /** What it keeps, as one word in the singular: `item`. */
  readonly resource: string;
  /** Several of them: `items`. */
  readonly plural: string;
}

/** What there is already, which a new service must not be taken for. */
export interface Taken {
  /** Services, and what else has a name beside them: proto packages, databases, roles. */
  readonly names: readonly string[];
  /** Names of source files, which are unique. */
  readonly files: readonly string[];
  /** Plurals under `/v1/` in routes. */
  readonly routes: readonly string[];
  /** All that the template says, in which the words take their place. */
  readonly template: string;
}

/** What the template is written with. */
const TEMPLATE_WORDS: ServiceWords = { name: "warehouse", resource: "widget", plural: "widgets" };

export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** A text of the template, or the path of a file in it, with other words. */
export function reword(text: string, words: ServiceWords): string {
  const pairs = (["plural", "resource", "name"] as const).flatMap((key) => {
    const [from, to] = [TEMPLATE_WORDS[key], words[key]];
    return [
      [from, to] as const,
      [capital(from), capital(to)] as const,
      [from.toUpperCase(), to.toUpperCase()] as const,
    ];
  });
  const from = new RegExp(pairs.map(([word]) => word).join("|"), "g");
  const to = new Map(pairs);
  return text.replaceAll(from, (word) => to.get(word) ?? word);
}

const WORD = /^[a-z]{2,24}$/;

/** Words that can be used, or why they cannot: a line for whoever chose them. */
export function chooseWords(
  asked: { name?: string | undefined; resource?: string | undefined; plural?: string | undefined },
  taken: Taken,
): ServiceWords | string {
  const { name = "", resource = "item", plural = `${resource}s` } = asked;
  if (name === "") return "which service? make new-service name=inventory [resource=item] [plural=items]";
  for (const [key, word] of Object.entries({ name, resource, plural })) {
    if (!WORD.test(word))
      return `${key}=${word}: one word of 2 to 24 small letters, a to z, becomes names in every language here`;
  }
  if (asked.plural === undefined && /(?:[sxzf]|[cs]h|[^aeiou]y)$/.test(resource)) {
    return `resource=${resource}: "${plural}" is hardly its plural; say it, as in resource=entry plural=entries`;
  }
  if (new Set([name, resource, plural]).size < 3)
    return `name, resource and plural must differ: ${name}, ${resource}, ${plural}`;
  if (taken.names.includes(name)) return `name=${name}: there is one already`;
  for (const [key, word] of Object.entries({ name, resource, plural })) {
    if (isReserved(word) || isUsed(word, taken.template)) {
      return `${key}=${word}: the code of a service uses this word for something else`;
    }
  }
  if (taken.routes.includes(plural))
    return `plural=${plural}: /v1/${plural} is another service's; say what this one keeps, resource=...`;
  const twin = [`${resource}.ts`, `${name}-handler.ts`, `${name}-service.ts`, `${name}-repository.ts`].find((file) =>
    taken.files.includes(file),
  );
  if (twin !== undefined)
    return `${twin === `${resource}.ts` ? `resource=${resource}` : `name=${name}`}: there is a ${twin} already`;
  return { name, resource, plural };
}

/** As anything but the name of a property: that does not stand in the way. */
const isUsed = (word: string, text: string): boolean =>
  new RegExp(`(?<![.\\w])(?:${word}|${capital(word)})(?![\\w:])`).test(text);

/** A word of the language, or something that every program has. */
function isReserved(word: string): boolean {
  if (word in globalThis || capital(word) in globalThis) return true;
  try {
    new Script(`"use strict"; const ${word} = 0;`);
    return false;
  } catch {
    return true;
  }
}
