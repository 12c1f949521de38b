import { expect, test } from "vitest";
import { parseMemory } from "./process-memory.ts";

const STATUS = "Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  153600 kB\nRssAnon:\t   81920 kB\nRssFile:\t   71680 kB\n";

test("a process's own memory is told apart from the files that it shares", () => {
  expect(parseMemory(STATUS)).toEqual({ own: 80, resident: 150 });
});

test("a process that is gone has no memory, rather than none of it", () => {
  expect(() => parseMemory("Name:\tnode\nState:\tZ (zombie)\n")).toThrow("has no RssAnon");
});
