import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser of this machine, if it has one that can be driven. */
export const browserPath: string | undefined = PLACES.find(existsSync);

/** Screenshots for a person to look at. Not in git. */
const SHOTS = join(import.meta.dirname, ".data/screenshots");

/** Starts the browser. Whoever starts it closes it. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(browserPath !== undefined && { executablePath: browserPath }),
    // Containers seldom let root make the namespaces of Chromium's sandbox, and it opens our own pages only.
    chromiumSandbox: process.getuid?.() !== 0,
    timeout: 60_000,
  });

/** A page, and what its console and its policy complained of. */
export async function openPage(browser: Browser, url: string, timeoutMs: number) {
  const page = await browser.newPage({ locale: "en-US" });
  page.setDefaultTimeout(timeoutMs);
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:"))
      elsewhere.push(request.url());
  });
  await page.goto(url);
  return { page, complaints, elsewhere };
}

export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
