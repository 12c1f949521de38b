import { expect, test } from "vitest";
import { barChart } from "./bar-chart.ts";
import { type Results, table, toMarkdown } from "./bench-report.ts";

const RESULTS: Results = {
  title: "A bench",
  at: "2026-01-01T00:00:00.000Z",
  baseline: "theirs",
  rounds: 1,
  cpuSeconds: 2,
  quick: false,
  load: "h2load 1",
  machine: { cpu: "Z80", cores: 2, memoryGiB: 1, kernel: "Linux 6", loadAverage: 0.25, versions: { node: "24" } },
  notRun: ["a server that is not here"],
  peers: [
    { name: "theirs", title: "Theirs" },
    { name: "ours", title: "Ours" },
  ],
  workloads: [{ name: "small", title: "unary", unit: "call" }],
  aims: [{ peer: "ours", against: "theirs", workload: "small", atMost: 1, ratio: 1.5, met: false }],
  notes: ["One more figure."],
  samples: [
    { peer: "theirs", workload: "small", round: 1, cpuUs: 20, perSecond: 50_000 },
    { peer: "ours", workload: "small", round: 1, cpuUs: 30, perSecond: 33_333.3 },
  ],
};

test("the report has each server's figures, its multiple of the baseline, and the aims", () => {
  const markdown = toMarkdown(RESULTS);
  expect(markdown).toContain("| Theirs |      20.0 | 1.00 |  50,000 |");
  expect(markdown).toContain("\n- One more figure.\n");
  expect(markdown).toContain("| Ours   |      30.0 | 1.50 |  33,333 |");
  expect(markdown).toMatch(/\| ours \/ theirs \| small *\| *1\.00 \| 1\.500 \| MISSED \|/);
});

test("the report says where and with what it was measured, and what did not run", () => {
  const markdown = toMarkdown(RESULTS);
  for (const fact of ["Z80, 2 cores", "load average 0.3", "node 24", "h2load 1", "1 x 2 s"]) {
    expect(markdown).toContain(fact);
  }
  expect(markdown).toContain("Not run: a server that is not here.");
});

test("a quick run says that it is none to believe", () => {
  expect(toMarkdown(RESULTS)).not.toContain("quick");
  expect(toMarkdown({ ...RESULTS, quick: true })).toContain("quick run");
});

test("a server without figures has an empty row", () => {
  const markdown = toMarkdown({ ...RESULTS, samples: RESULTS.samples.slice(1), aims: [] });
  expect(markdown).toMatch(/\| Theirs \| +\| +\| +\|/);
  expect(markdown).toMatch(/\| Ours {3}\| +30\.0 \| +\| +33,333 \|/);
});

test("numbers stand to the right, words to the left", () => {
  expect(
    table(
      ["A", "B"],
      [
        ["x", "1"],
        ["yyyy", "22.5"],
      ],
    ),
  ).toEqual(["| A    |    B |", "| ---- | ---: |", "| x    |    1 |", "| yyyy | 22.5 |"]);
});

test("bars are as long as their figures, and text is no markup", () => {
  const bars = [
    { label: "a < b & c", value: 10, ours: false },
    { label: "d", value: 5, ours: true },
  ];
  const svg = barChart("T", [{ title: "P", bars }]);
  expect(svg).toContain("a &lt; b &amp; c");
  const [, full, half] = [...svg.matchAll(/<rect [^>]*?width="(\d+)"/g)].map(([, width]) => Number(width));
  expect(half).toBe((full ?? 0) / 2);
});
