import { firstCalls } from "./first-call.ts";
import type { Platform } from "./platform.ts";

export interface AnnouncementOptions {
  platform: Platform;
  newId: () => string;
}

/** What a person reads once everything runs: what listens where, what to try, how to stop. */
export function announcement({ platform, newId }: AnnouncementOptions): string {
  const rows = platform.services.map(({ name, protocol, address, adminAddress }) => [
    name,
    protocol === "http" ? `http://${address}` : address,
    `http://${adminAddress}/readyz /metrics`,
  ]);
  const calls = firstCalls({ services: platform.services, newId });
  const watches = calls.at(-1)?.endsWith("/WatchOrder") ? " The last one watches the order until Ctrl-C." : "";
  const lines = [
    "",
    ...table([["service", "address", "admin"], ...rows]),
    ...(platform.admin ? ["", ...adminLines(platform.admin)] : []),
    "",
    ...(calls.length > 0
      ? [`First calls, to copy line by line into another terminal.${watches}`, "", ...calls, ""]
      : []),
    "Ready. Ctrl-C stops everything.",
  ];
  return `${lines.join("\n")}\n`;
}

const adminLines = ({ email, password }: { email: string; password: string }) => [
  "The admin was made just now. Keep the password: it is not shown again.",
  `  email     ${email}`,
  `  password  ${password}`,
];

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(cell.length, widest[i] ?? 0)),
    [],
  );
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
}
