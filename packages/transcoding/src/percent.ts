/** Decodes one segment of a path. Throws a URIError where an escape is malformed or what it says is not UTF-8. */
export const decodeSegment = (raw: string): string => (raw.includes("%") ? decodeURIComponent(raw) : raw);

/** Decodes a segment of a value with several: `%2F` stays as it is, for a slash would be taken for one between segments. */
export const decodeOfMany = (raw: string): string =>
  raw.includes("%") ? decodeURIComponent(raw.replace(/%2f/gi, (slash) => `%25${slash.slice(1)}`)) : raw;

/** Encodes a text as one segment of a path, so that neither a slash nor a colon in it counts. */
export const encodeSegment = (text: string): string => encodeURIComponent(text);
