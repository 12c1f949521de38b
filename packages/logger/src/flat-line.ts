import { type Logger as PinoLogger, symbols } from "pino";

type AsJson = (this: PinoLogger, facts: object, message: string | undefined, level: number, time: string) => string;
interface Internals {
  [symbols.asJsonSym]: AsJson;
  [symbols.lsCacheSym]: Record<number, string>;
  [symbols.chindingsSym]: string;
}

/**
 * Lines whose facts are all text, numbers and truths, as those of the access log are, become text by one JSON.stringify. pino puts
 * a line together of some sixty pieces, whose joining is most of what the line costs. All other lines stay pino's, which
 * offers its symbols for this: those with other facts, and those with a fact of a name in `except`. Children of the
 * logger inherit it.
 */
export function writeFlatLines(logger: PinoLogger, { except }: { except: ReadonlySet<string> }): void {
  const internals = logger as unknown as Internals;
  const asJson = internals[symbols.asJsonSym];
  internals[symbols.asJsonSym] = function (facts, message, level, time) {
    if (!isFlat(facts, except)) return asJson.call(this, facts, message, level, time);
    const own = this as unknown as Internals;
    const told = JSON.stringify(facts).slice(1, -1);
    const words = message === undefined ? "" : `,"msg":${JSON.stringify(message)}`;
    return `${own[symbols.lsCacheSym][level]}${time}${own[symbols.chindingsSym]}${told && ","}${told}${words}}\n`;
  };
}

function isFlat(facts: object, except: ReadonlySet<string>): boolean {
  for (const key in facts) {
    if (except.has(key)) return false;
    const value: unknown = (facts as Record<string, unknown>)[key];
    switch (typeof value) {
      case "string":
      case "number":
      case "boolean":
      case "undefined":
        continue;
      default:
        return false;
    }
  }
  return true;
}
