import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, keepScreenshot, openPage, startBrowser } from "./browser.ts";
import { base, id, signUp } from "./rest-client.ts";

const STEP_MS = 60_000;
const TEST_MS = 240_000;

test("a browser may run what comes from here, and embed none of it", async () => {
  for (const path of ["/", "/docs"]) {
    const response = await fetch(`${base}${path}`, { signal: AbortSignal.timeout(STEP_MS) });
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy");
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(await response.text()).not.toMatch(/ on[a-z]+=|https?:\/\/|<style| style=/);
  }
});

test("what has not changed is not sent again", async () => {
  const ask = (headers: Record<string, string>) =>
    fetch(`${base}/docs/swagger-ui.css`, { headers, signal: AbortSignal.timeout(STEP_MS) });
  const etag = (await ask({})).headers.get("etag") ?? "";
  expect(etag).toMatch(/^W\/".{22}"$/);
  expect((await ask({ "if-none-match": etag })).status).toBe(304);
  expect((await ask({ "if-none-match": 'W/"other"' })).status).toBe(200);
});

describe.skipIf(browserPath === undefined)("in a browser (needs Chromium)", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  test(
    "a person makes an account on the start page, places an order, and sees it paid",
    async () => {
      const { page, complaints, elsewhere } = await openPage(browser, `${base}/`, STEP_MS);
      await page.getByLabel("Email").fill(`ada-${id()}@example.com`);
      await page.getByLabel("Password").fill("correct-horse-battery");
      await page.getByRole("button", { name: "Create an account" }).click();
      await page.getByText("Logged in as ada").waitFor();
      await page.getByLabel("Product").selectOption({ label: "Dovetail saw, 15 teeth an inch, €59.90" });
      await page.getByLabel("Quantity").fill("2");
      await page.getByRole("button", { name: "Place the order" }).click();
      await page.getByText("confirmed (€119.80)").waitFor();
      await keepScreenshot(page, "start-page");

      await page.getByLabel("Pay by").selectOption({ label: "a card that is declined" });
      await page.getByRole("button", { name: "Place the order" }).click();
      await page.getByText(/^failed \(€119\.80\): /).waitFor();
      expect(await page.getByRole("alert").textContent()).toBe("");
      expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] });
    },
    TEST_MS,
  );

  test(
    "a person logs in on the docs page and places an order there",
    async () => {
      const { email, password } = await signUp();
      const { page, complaints, elsewhere } = await openPage(browser, `${base}/docs`, STEP_MS);
      const operation = (name: string) => page.locator(`.opblock[id$="-${name}"]`);
      const send = async (name: string, body?: object) => {
        await operation(name).locator(".opblock-summary-control").click();
        if (body) await operation(name).locator("textarea.body-param__text").fill(JSON.stringify(body));
        await operation(name).getByRole("button", { name: "Execute" }).click();
        const answer = operation(name).locator(".live-responses-table .response");
        const status = await answer.locator(".response-col_status").textContent();
        return { status, text: (await answer.locator(".highlight-code").first().textContent()) ?? "" };
      };

      expect((await send("SessionService_CreateSession", { email, password })).status).toContain("200");
      const products = await send("CatalogService_ListProducts");
      const [, productId] = /"id": "([\da-f-]+)"/.exec(products.text) ?? [];
      const order = await send("OrderService_CreateOrder", {
        requestId: id(),
        items: [{ productId, quantity: 1 }],
        paymentMethod: "pm_ok",
      });
      expect(order.text).toContain('"state": "ORDER_STATE_PENDING"');
      expect(order.status).toContain("200");
      await keepScreenshot(page, "docs-page");
      expect({ complaints, elsewhere }).toEqual({ complaints: [], elsewhere: [] });
    },
    TEST_MS,
  );
});
