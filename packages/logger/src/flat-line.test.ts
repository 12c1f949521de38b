import fc from "fast-check";
import { pino } from "pino";
import { expect, test } from "vitest";
import { writeFlatLines } from "./flat-line.ts";

/** What both write of the same facts: a logger of pino's own, and one whose flat lines are ours. */
function linesOf(log: (logger: pino.Logger) => void): [theirs: string[], ours: string[]] {
  const [theirs, ours]: [string[], string[]] = [[], []];
  for (const lines of [theirs, ours]) {
    const write = (line: string) => void lines.push(line);
    const logger = pino({ base: { name: "order" }, timestamp: () => ',"time":"now"' }, { write });
    if (lines === ours) writeFlatLines(logger, { except: new Set(["password"]) });
    log(logger);
  }
  return [theirs, ours];
}

const fact = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.double(),
  fc.boolean(),
  fc.constant(undefined),
  fc.constant(null),
  fc.bigInt(),
  fc.object(),
);
const facts = fc.dictionary(fc.string({ unit: "grapheme" }), fact);

test("a line is the one that pino would write, whatever its facts are", () => {
  fc.assert(
    fc.property(facts, fc.option(fc.string({ unit: "binary" }), { nil: undefined }), (facts, message) => {
      const [[theirs], [ours]] = linesOf((logger) => logger.child({ method: "Greet" }).info(facts, message));
      expect(JSON.parse(ours as string)).toEqual(JSON.parse(theirs as string));
      expect(ours).toMatch(/^[^\n]*\n$/);
    }),
  );
});

for (const [what, log] of [
  ["without facts", (logger: pino.Logger) => logger.info({}, "words")],
  ["without words", (logger: pino.Logger) => logger.info({ id: 7 })],
  ["with nothing", (logger: pino.Logger) => logger.info({})],
  ["of an error", (logger: pino.Logger) => logger.error(Object.assign(new Error("no"), { stack: "" }))],
  ["with a name that is excepted", (logger: pino.Logger) => logger.warn({ password: "7" })],
] as const) {
  test(`a line ${what} is pino's`, () => {
    const [theirs, ours] = linesOf(log);
    expect(ours).toEqual(theirs);
    expect(ours).toHaveLength(1);
  });
}
