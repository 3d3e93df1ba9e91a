// Chromium for the tests of the setup page, and a watch on what a page does
// besides: errors, violations of its policy, requests to other origins.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

// Stands for an address on the internet: the browser finds it on this computer.
export const PUBLIC_HOST = "worker.example";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP ${PUBLIC_HOST} 127.0.0.1`,
];

let browser;
before(async () => {
  const { CHROME } = process.env;
  assert.ok(CHROME, "CHROME has to name a Chromium or Chrome; `cargo xtask test` finds one");
  browser = await chromium.launch({ executablePath: CHROME, args: FLAGS });
});
after(() => browser?.close());

// Runs `work` on a fresh page of `url`, and then checks that the page behaved.
// `expected` names what the browser itself writes about answers that are no 200.
export async function onPage(url, work, { expected = /^$/, prepare, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  try {
    const page = await context.newPage();
    const trouble = [];
    page.on("pageerror", (error) => trouble.push(`error: ${error.message}`));
    page.on("console", (message) => {
      const isBad = ["error", "warning"].includes(message.type());
      if (isBad && !expected.test(message.text())) trouble.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== "data:" && origin !== new URL(url).origin) trouble.push(`request: ${request.url()}`);
    });
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`);
      });
    });
    await prepare?.(page, context);
    const document = await page.goto(url);
    // Whatever `work` sees working does so under the policy of `public/_headers`.
    assert.match(document.headers()["content-security-policy"], /^default-src 'none'; style-src 'self'; script-src 'self'; /);
    await work(page, context);
    assert.deepEqual(await page.evaluate(() => window.violations ?? []), []);
    assert.deepEqual(trouble, []);
  } finally {
    await context.close();
  }
}

// A phone of 360 pixels.
export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

export const verdict = (page) => page.locator("#verdict b").textContent();

// Waits until the page has asked the worker.
export async function checked(page) {
  await page.locator("#verdict:is(.good, .bad)").waitFor();
}

// The rows of the list: by name, their state.
export const states = (page) =>
  page.locator("#parts > li").evaluateAll((rows) =>
    Object.fromEntries(rows.map((row) => [row.querySelector("code").textContent, row.querySelector(".state").textContent])));
