/** A program in a README, and what it prints if the README says so. */
export interface Example {
  readonly program: string;
  readonly output: string | undefined;
}

/** The `ts` blocks of a Markdown text (`typescript` ones are parts, or run in a test of their own); a `text` block right after one is its output. */
export function examplesOf(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([whole, language, body], i, all) => ({
    language,
    body: body ?? "",
    after: markdown.slice((all[i]?.index ?? 0) + whole.length, all[i + 1]?.index),
  }));
  return blocks.flatMap(({ language, body, after }, i) => {
    if (language !== "ts") return [];
    const next = blocks[i + 1];
    return [{ program: body, output: next?.language === "text" && after.trim() === "" ? next.body : undefined }];
  });
}
