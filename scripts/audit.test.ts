import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";

const TIMEOUT_MS = 120_000;

/** A registry that knows these weaknesses of packages; what it was asked is in `asked`. */
async function registry(weaknesses: object) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request));
    asked.push(request.headers["content-encoding"] === "gzip" ? gunzipSync(body).toString() : body.toString());
    response.setHeader("content-type", "application/json").end(JSON.stringify(weaknesses));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function audit(url: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "audit.ts")], {
    env: { ...process.env, PNPM_CONFIG_REGISTRY: url, PNPM_CONFIG_FETCH_RETRIES: "0" },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: TIMEOUT_MS,
  });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

test(
  "a weakness that is known of a package of production is told, and fails",
  async () => {
    const weakness = {
      id: 1,
      url: "https://example.com/GHSA-1",
      title: "reads too much",
      vulnerable_versions: "<1000",
    };
    const { asked, url } = await registry({ pino: [{ ...weakness, severity: "high", cwe: [], cvss: null }] });
    const { code, output } = await audit(url);
    expect(output).toContain("high: pino: reads too much https://example.com/GHSA-1");
    expect(code).toBe(1);
    expect(asked.join()).toContain('"pino"');
  },
  TIMEOUT_MS,
);

test(
  "where none is known it passes",
  async () => {
    const { url } = await registry({});
    expect(await audit(url)).toEqual({ code: 0, output: "0 known weaknesses of production, from high on\n" });
  },
  TIMEOUT_MS,
);

test(
  "a registry that does not answer is told, and is no failure of ours",
  async () => {
    const { code, output } = await audit("http://127.0.0.1:9/");
    expect(output).toMatch(/^Nobody could be asked for known weaknesses.*Connection refused/s);
    expect(code).toBe(3);
  },
  TIMEOUT_MS,
);
