import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { documentedPart, toMarkdownTable, toStateDiagram } from "./documented-table.ts";

test("a life is drawn from its first state, by every edge, to the states that nothing follows", () => {
  expect(toStateDiagram({ OPEN: ["SHUT", "LOST"], SHUT: ["OPEN"], LOST: [] })).toBe(`stateDiagram-v2
    [*] --> OPEN
    OPEN --> SHUT
    OPEN --> LOST
    SHUT --> OPEN
    LOST --> [*]`);
});

test("a part of a document is found by its name, with or without a fence", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tenon-document-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "page.md");
  const table = toMarkdownTable(["a", "b"], [["1", "2"]]);
  await writeFile(
    path,
    `# Page\n\n<!-- life -->\n\`\`\`mermaid\nx\n\`\`\`\n<!-- /life -->\n<!-- t -->\n${table}\n<!-- /t -->\n`,
  );
  const page = pathToFileURL(path);
  expect(documentedPart(page, "life")).toBe("x");
  expect(documentedPart(page, "t")).toBe("| a   | b   |\n| --- | --- |\n| 1   | 2   |");
  expect(() => documentedPart(page, "other")).toThrow("has no part other");
});
