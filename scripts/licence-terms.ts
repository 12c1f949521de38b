/** What of a package.json says what it is and what it needs. */
export interface PackageFile {
  readonly name: string;
  readonly version?: string;
  /** An SPDX expression; objects and lists are how it was written before there were those. */
  readonly license?: string | { readonly type?: string };
  readonly licenses?: readonly { readonly type?: string }[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Those that ask for nothing but their text and their notice. Another one is a decision: add it with its reason. */
export const ALLOWED: readonly string[] = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "PostgreSQL",
  "Python-2.0",
  "Unlicense",
];

/** The licence as an SPDX expression; undefined where the package names none. */
export function licenceOf({ license, licenses }: PackageFile): string | undefined {
  if (typeof license === "string" && license !== "") return license;
  if (typeof license === "object" && license.type) return license.type;
  const types = (licenses ?? []).map(({ type }) => type);
  return types.length > 0 && types.every(Boolean) ? types.join(" OR ") : undefined;
}

/** Whether an expression leaves a choice that is allowed: of OR one, of AND all. What cannot be read is not allowed. */
export function isAllowed(expression: string | undefined): boolean {
  const tokens = expression?.match(/[()]|[^()\s]+/g) ?? [];
  let at = 0;
  const either = (): boolean => {
    let allowed = both();
    while (tokens[at] === "OR") {
      at++;
      allowed = both() || allowed;
    }
    return allowed;
  };
  const both = (): boolean => {
    let allowed = one();
    while (tokens[at] === "AND") {
      at++;
      allowed = one() && allowed;
    }
    return allowed;
  };
  const one = (): boolean => {
    const token = tokens[at++];
    if (token !== "(") return token !== undefined && ALLOWED.includes(token);
    const allowed = either();
    return tokens[at++] === ")" && allowed;
  };
  return either() && at === tokens.length;
}
