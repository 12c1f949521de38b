import { readFileSync } from "node:fs";

/** The states that may follow each state, as Mermaid draws them; the first one is where a life begins. */
export function toStateDiagram(next: Readonly<Record<string, Iterable<string>>>): string {
  const states = Object.keys(next);
  const edges = states.flatMap((from) => {
    const followers = [...(next[from] ?? [])];
    return followers.length === 0 ? [`${from} --> [*]`] : followers.map((to) => `${from} --> ${to}`);
  });
  return ["stateDiagram-v2", ...[`[*] --> ${states[0]}`, ...edges].map((edge) => `    ${edge}`)].join("\n");
}

/** Rows as a Markdown table, which a document repeats, in columns as the formatter leaves them. */
export function toMarkdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/**
 * What a document says between `<!-- name -->` and `<!-- /name -->`, without the fence of a code block. A test compares it
 * with what is generated from the code, so that the two cannot part. Throws where the document has no such part.
 */
export function documentedPart(document: URL, name: string): string {
  const [, part] = readFileSync(document, "utf8").match(`<!-- ${name} -->\n([^]*)<!-- /${name} -->`) ?? [];
  if (part === undefined) throw new Error(`${document.pathname} has no part ${name}`);
  return part.replace(/^```.*$/gm, "").trim();
}
