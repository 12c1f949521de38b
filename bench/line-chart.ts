import { escapeText } from "./bar-chart.ts";

export interface Line {
  readonly label: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const [WIDTH, HEIGHT] = [860, 320];
const [LEFT, TOP, RIGHT, BOTTOM] = [60, 48, 20, 60];

/** Lines over one pair of axes from 0, as SVG. */
export function lineChart(title: string, { x, y }: { x: string; y: string }, lines: readonly Line[]): string {
  const all = lines.flatMap(({ points }) => points);
  const [maxX, maxY] = [Math.max(...all.map(([at]) => at)), Math.max(...all.map(([, value]) => value)) * 1.05];
  const toX = (value: number) => (LEFT + (value / maxX) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const toY = (value: number) => (HEIGHT - BOTTOM - (value / maxY) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(title)}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="16" y="24" font-size="16" font-weight="600">${escapeText(title)}</text>
${ticks.map((tick) => `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${toY(maxY * tick)}" y2="${toY(maxY * tick)}" stroke="#e3e6ea"/><text x="${LEFT - 8}" y="${toY(maxY * tick)}" text-anchor="end" dy="4">${Math.round(maxY * tick).toLocaleString("en")}</text>`).join("\n")}
${ticks.map((tick) => `<text x="${toX(maxX * tick)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${Math.round(maxX * tick)}</text>`).join("\n")}
<text x="${WIDTH / 2}" y="${HEIGHT - BOTTOM + 34}" text-anchor="middle">${escapeText(x)}</text>
<text x="${LEFT}" y="${TOP - 10}">${escapeText(y)}</text>
${lines.map(({ color, points }) => `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points.map(([at, value]) => `${toX(at)},${toY(value)}`).join(" ")}"/>`).join("\n")}
${lines.map(({ label, color }, i) => `<rect x="${LEFT + i * 250}" y="${HEIGHT - 18}" width="12" height="12" fill="${color}"/><text x="${LEFT + 18 + i * 250}" y="${HEIGHT - 8}">${escapeText(label)}</text>`).join("\n")}
</svg>
`;
}
