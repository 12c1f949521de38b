/** From here on years have more than four digits. */
const YEAR_10000 = 253_402_300_800_000;

/**
 * A `toISOString` for instants that follow each other closely: it remembers the text of the last second, because a line
 * of the access log names three instants, and each would cost a tenth of the line. Milliseconds since the epoch; throws
 * RangeError beyond what a calendar has, as Date does.
 */
export function createIsoTime(): (epochMs: number) => string {
  let second = Number.NaN;
  let text = "";
  return (epochMs) => {
    if (!(epochMs >= 0 && epochMs < YEAR_10000)) return new Date(epochMs).toISOString();
    const secondNow = Math.trunc(epochMs / 1000);
    if (secondNow !== second) {
      text = new Date(secondNow * 1000).toISOString().slice(0, -"000Z".length);
      second = secondNow;
    }
    return `${text}${String(Math.trunc(epochMs % 1000)).padStart(3, "0")}Z`;
  };
}
