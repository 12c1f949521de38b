/** Looks for secrets in what leaves the platform by other ways than as an answer to whom they belong to. */
export interface LeakFinder {
  /** Part of every secret that is made up for a run: letters and digits, so that no escaping changes it. */
  readonly marker: string;
  /** What a text holds that it must not, with some of what stands around it; undefined where it is clean. */
  find(text: string): string | undefined;
}

/** Three parts of base64url, the first of which begins as every JSON object does. */
const JWT = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{16,}/;
const SHOWN_CHARACTERS = 60;

/** Finds the marker as it is, in hex and in base64, and any JWT, which the platform makes itself. */
export function createLeakFinder(marker: string): LeakFinder {
  const bytes = Buffer.from(marker);
  // In base64 a text looks in three ways, by where it begins; at its ends neighbours show through.
  const inBase64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64url");
    return encoded.slice(offset + 2, -2);
  });
  const forms = new RegExp([marker, bytes.toString("hex"), ...inBase64].join("|"));
  return {
    marker,
    find(text) {
      const found = forms.exec(text) ?? JWT.exec(text);
      if (found === null) return undefined;
      const end = found.index + found[0].length;
      return text.slice(Math.max(0, found.index - SHOWN_CHARACTERS), end + SHOWN_CHARACTERS);
    },
  };
}
