/** A media type with its parameters, in lower case. */
export interface MediaType {
  /** `application/json`. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads a header such as Content-Type; undefined where it is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const [type = "", ...parts] = text.toLowerCase().split(";", 20);
  if (!/^[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+$/.test(type.trim())) return undefined;
  const parameters = new Map<string, string>();
  for (const part of parts) {
    const [name = "", value = ""] = part.split("=", 2);
    parameters.set(name.trim(), value.trim().replace(/^"(.*)"$/, "$1"));
  }
  return { type: type.trim(), parameters };
}

/** More than any client says; the rest is not read. */
const MAX_RANGES = 50;

/**
 * Which of the offers an Accept header likes best (RFC 9110, 12.5.1): the most specific range of each decides, equals go
 * by the order of the offers. Undefined where it takes none. Without a header it is the first.
 */
export function negotiate(accept: string | undefined, offers: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === "") return offers[0];
  const ranges = rangesOf(accept);
  let best: { offer: string; quality: number } | undefined;
  for (const offer of offers) {
    const quality = qualityOf(ranges, offer);
    if (quality > (best?.quality ?? 0)) best = { offer, quality };
  }
  return best?.offer;
}

/** Whether the header names this type itself. */
export const asksFor = (accept: string | undefined, type: string): boolean =>
  accept !== undefined && rangesOf(accept).some((range) => range.type === type && range.quality > 0);

/**
 * Which of the codings an Accept-Encoding header likes best (RFC 9110, 12.5.3), equals in the order of the offers; undefined
 * where the answer is to be left as it is, as without a header.
 */
export function negotiateCoding(header: string | undefined, offers: readonly string[]): string | undefined {
  const wishes = new Map<string, number>();
  for (const text of header?.toLowerCase().split(",", MAX_RANGES) ?? []) {
    const [, name, q = "1"] = /^\s*([\w*-]+)\s*(?:;\s*q=([\d.]{1,5})\s*)?$/.exec(text) ?? [];
    if (name !== undefined) wishes.set(name, Number(q));
  }
  let best: { offer: string; quality: number } | undefined;
  for (const offer of offers) {
    const quality = wishes.get(offer) ?? wishes.get("*") ?? 0;
    if (quality > (best?.quality ?? 0)) best = { offer, quality };
  }
  return best?.offer;
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function rangesOf(accept: string): Range[] {
  return accept.split(",", MAX_RANGES).flatMap((text) => {
    const range = parseMediaType(text.trim());
    if (range === undefined) return [];
    const quality = Number(range.parameters.get("q") ?? 1);
    return { type: range.type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
  });
}

function qualityOf(ranges: readonly Range[], offer: string): number {
  const [group] = offer.split("/", 1);
  for (const type of [offer, `${group}/*`, "*/*"]) {
    const found = ranges.filter((range) => range.type === type);
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality));
  }
  return 0;
}
