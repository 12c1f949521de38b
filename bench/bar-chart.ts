/** Bars of one kind, each labelled with its figure. */
export interface BarPanel {
  readonly title: string;
  readonly bars: readonly { readonly label: string; readonly value: number; readonly ours: boolean }[];
}

const WIDTH = 860;
const LABEL_WIDTH = 270;
const FIGURE_WIDTH = 60;
const BAR_HEIGHT = 20;
const ROW_HEIGHT = 26;
const HEAD_HEIGHT = 44;

/** Panels of horizontal bars, one below the other, as SVG. Each has its own scale, from 0. */
export function barChart(title: string, panels: readonly BarPanel[]): string {
  let top = 40;
  const parts = panels.map((panel) => {
    const part = `<g transform="translate(0 ${top})">${drawPanel(panel)}</g>`;
    top += HEAD_HEIGHT + panel.bars.length * ROW_HEIGHT;
    return part;
  });
  const height = top + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(title)}" font-family="system-ui, sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="28" font-size="17" font-weight="600">${escapeText(title)}</text>
${parts.join("\n")}
</svg>
`;
}

function drawPanel({ title, bars }: BarPanel): string {
  const widest = WIDTH - LABEL_WIDTH - FIGURE_WIDTH;
  const most = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value, ours }, i) => {
    const y = HEAD_HEIGHT - 10 + i * ROW_HEIGHT;
    const width = Math.round((value / most) * widest);
    const baseline = y + 15;
    return [
      `<text x="${LABEL_WIDTH - 10}" y="${baseline}" text-anchor="end">${escapeText(label)}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2" fill="${ours ? "#1f6feb" : "#9aa4b2"}"/>`,
      `<text x="${LABEL_WIDTH + width + 8}" y="${baseline}">${value.toFixed(1)}</text>`,
    ].join("\n");
  });
  return [`<text x="16" y="22" font-weight="600">${escapeText(title)}</text>`, ...rows].join("\n");
}

export const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
