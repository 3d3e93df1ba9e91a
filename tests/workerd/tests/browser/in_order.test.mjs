// The page of a worker in order: what it says, how it looks, and what it copies.
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { PHONE, PUBLIC_HOST, checked, onPage, states, verdict } from "./browser.mjs";

const URL_ = process.env.WORKER;
const ORIGIN = new URL(URL_).origin;
const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

test("everything is ready, and no secret is in the document", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    assert.equal(await verdict(page), "Everything is ready on this computer.");
    assert.match(await page.locator("#verdict").innerText(), /cannot reach this computer/);
    assert.ok(await page.locator("#local").isVisible());
    assert.deepEqual(await states(page), {
      refresh_token_secret: "ok",
      access_token_secret: "not used",
      access_token_private_key: "not used",
      service_key: "ok",
      SESSIONS: "ok",
      DB: "ok",
      ACCOUNT_GUARD: "ok",
      ATTEMPTS: "ok",
      REQUESTS: "ok",
      LISTS: "ok",
      MAIL: "ok",
      "wrangler.toml": "ok",
    });
    const html = await page.content();
    for (const secret of JSON.parse(process.env.SECRETS)) assert.ok(!html.includes(secret));
    assert.ok(!html.includes(process.env.SECRET_MARK));
  }));

test("the cards hold what Bravo asks for, with this worker's address", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const cards = await page.locator(".card").evaluateAll((all) =>
      Object.fromEntries(all.map((card) => [
        card.querySelector("h3").textContent,
        Object.fromEntries([...card.querySelectorAll(".field")].map((field) => [
          field.querySelector(".label").textContent,
          [...field.querySelectorAll(".value")].map((value) => value.textContent).join(" "),
        ])),
      ])));
    const body = (json) => JSON.stringify(json, null, 2);
    const login = { email: "${email}", password: "${password}" };
    const refresh = body({ refreshToken: "${refreshToken}" });
    const bearer = { "Header name": "Authorization", "Header value": "Bearer ${accessToken}" };
    const language = { language: "${device.lang}" };
    assert.deepEqual(cards, {
      "Sign up": { Name: "Sign up", Method: "POST", URL: `${ORIGIN}/auth/signup`, "Body (JSON)": body({ ...login, name: "${name}" }), "Output variables": "accessToken refreshToken userId" },
      "Log in": { Name: "Log in", Method: "POST", URL: `${ORIGIN}/auth/login`, "Body (JSON)": body({ ...login, refreshToken: "${refreshToken}" }), "Output variables": "accessToken refreshToken userId" },
      "Refresh token": { Name: "Refresh token", Method: "POST", URL: `${ORIGIN}/auth/token`, "Body (JSON)": refresh, "Output variables": "accessToken", "Token expiration time in seconds": "3600" },
      "User info": { Name: "User info", Method: "GET", URL: `${ORIGIN}/auth/me`, ...bearer, "Output variables": "id email name" },
      "Change name": { Name: "Change name", Method: "PATCH", URL: `${ORIGIN}/auth/me`, ...bearer, "Body (JSON)": body({ name: "${name}" }), "Output variables": "name" },
      "Change password": { Name: "Change password", Method: "POST", URL: `${ORIGIN}/auth/password/change`, ...bearer, "Body (JSON)": body({ currentPassword: "${currentPassword}", newPassword: "${newPassword}" }), "Output variables": "accessToken refreshToken" },
      "Forgot password": { Name: "Forgot password", Method: "POST", URL: `${ORIGIN}/auth/password/forgot`, "Body (JSON)": body({ email: "${email}", ...language }) },
      "Reset password": { Name: "Reset password", Method: "POST", URL: `${ORIGIN}/auth/password/reset`, "Body (JSON)": body({ email: "${email}", code: "${code}", newPassword: "${newPassword}" }), "Output variables": "accessToken refreshToken userId" },
      "Send a code to log in": { Name: "Send a code to log in", Method: "POST", URL: `${ORIGIN}/auth/code/send`, "Body (JSON)": body({ email: "${email}", ...language }) },
      "Log in with a code": { Name: "Log in with a code", Method: "POST", URL: `${ORIGIN}/auth/code/login`, "Body (JSON)": body({ email: "${email}", code: "${code}" }), "Output variables": "accessToken refreshToken userId" },
      "Send a code to verify": { Name: "Send a code to verify", Method: "POST", URL: `${ORIGIN}/auth/email/verify/send`, "Body (JSON)": body({ email: "${email}", ...language }) },
      "Verify e-mail": { Name: "Verify e-mail", Method: "POST", URL: `${ORIGIN}/auth/email/verify`, "Body (JSON)": body({ email: "${email}", code: "${code}", password: "${password}" }), "Output variables": "accessToken refreshToken userId" },
      "Change e-mail address": { Name: "Change e-mail address", Method: "POST", URL: `${ORIGIN}/auth/email/change`, ...bearer, "Body (JSON)": body({ password: "${password}", newEmail: "${newEmail}", ...language }) },
      "Confirm e-mail address": { Name: "Confirm e-mail address", Method: "POST", URL: `${ORIGIN}/auth/email/change/confirm`, ...bearer, "Body (JSON)": body({ code: "${code}" }), "Output variables": "email" },
      "Delete account": { Name: "Delete account", Method: "DELETE", URL: `${ORIGIN}/auth/me`, ...bearer, "Body (JSON)": body({ password: "${password}" }) },
      "Log out": { Name: "Log out", Method: "POST", URL: `${ORIGIN}/auth/logout`, "Body (JSON)": refresh },
      "Log out everywhere": { Name: "Log out everywhere", Method: "POST", URL: `${ORIGIN}/auth/logout/all`, ...bearer },
    });
  }));

test("every field of every card is copied by its button", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const lines = await page.locator(".card .line").all();
    assert.equal(lines.length, 104);
    const labels = new Set();
    for (const line of lines) {
      const button = line.getByRole("button");
      const label = await button.getAttribute("aria-label");
      await button.click();
      await page.getByText(label.replace("Copy ", "Copied: "), { exact: true }).waitFor();
      assert.equal(await clipboard(page), await line.locator(".value").textContent());
      labels.add(label);
    }
    assert.equal(labels.size, lines.length, "no two buttons have one name");
    assert.ok(labels.has("Copy URL of Refresh token"));
  }, CLIPBOARD));

test("a secret is made in the browser, new every time, and goes nowhere", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    const secrets = new Set();
    for (const name of ["refresh_token_secret", "service_key", "access_token_secret"]) {
      await page.getByLabel("What is it for?").selectOption(name);
      assert.equal(await page.locator("#replaces").isVisible(), name !== "access_token_secret");
      await page.getByRole("button", { name: "Make a secret", exact: true }).click();
      await page.getByRole("button", { name: "Copy the command" }).click();
      await page.getByText("Copied: the command").waitFor();
      assert.equal(await clipboard(page), "npx tokenkeep dev");
      await page.getByRole("button", { name: "Copy the line" }).click();
      await page.getByText("Copied: the line").waitFor();
      const [, of, secret] = /^(\w+)="(.*)"$/.exec(await clipboard(page));
      assert.equal(of, name);
      assert.equal(Buffer.from(secret, "base64url").length, 64);
      assert.match(secret, /^[A-Za-z0-9_-]{86}$/);
      assert.ok(!(await page.content()).includes(secret), "it is not in the document's text");
      assert.ok(!page.url().includes(secret));
      secrets.add(secret);
    }
    assert.equal(secrets.size, 3);
    assert.deepEqual(requests, []);
  }, CLIPBOARD));

test("a key pair is made in the browser, on one line, and can sign", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    for (const [option, type, size] of [["", "ec", undefined], [" RS256", "rsa", 2048]]) {
      await page.getByLabel("What is it for?").selectOption(`access_token_private_key${option}`);
      await page.getByRole("button", { name: "Make a secret", exact: true }).click();
      await page.getByRole("button", { name: "Copy the line" }).click();
      await page.getByText("Copied: the line").waitFor();
      const [, secret] = /^access_token_private_key="(.*)"$/.exec(await clipboard(page));
      const key = createPrivateKey(secret.replaceAll("\\n", "\n"));
      assert.equal(key.asymmetricKeyType, type);
      assert.equal(key.asymmetricKeyDetails.modulusLength, size);
      assert.ok(!(await page.content()).includes(secret), "it is not in the document's text");
    }
    assert.deepEqual(requests, []);
  }, CLIPBOARD));
test("on the internet, a secret comes with the command that stores it", () =>
  onPage(URL_.replace("127.0.0.1", PUBLIC_HOST), async (page) => {
    await checked(page);
    await page.getByLabel("What is it for?").selectOption("service_key");
    await page.getByRole("button", { name: "Make a secret", exact: true }).click();
    assert.deepEqual(await page.locator("#made code.value").allInnerTexts(), ["npx tokenkeep secret service_key"]);
    assert.match(await page.locator("#made input.value").inputValue(), /^[A-Za-z0-9_-]{86}$/);
    // No key is made on a page that came without encryption.
    await page.getByLabel("What is it for?").selectOption("access_token_private_key");
    await page.getByRole("button", { name: "Make a secret", exact: true }).click();
    assert.match(await page.locator("#made").innerText(), /https:/);
    // Its e-mails go to a log, which is no way on the internet.
  }, { expected: /status of 503/ }));

test("where the browser does not copy, the text is selected and the page says so", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    await page.getByRole("button", { name: "Copy URL of Log in", exact: true }).click();
    await page.getByText("The text is selected").waitFor();
    assert.equal(await page.evaluate(() => String(getSelection()).trim()), `${ORIGIN}/auth/login`);
    await page.getByRole("button", { name: "Make a secret", exact: true }).click();
    await page.getByRole("button", { name: "Copy the line" }).click();
    const field = page.locator("input.value");
    assert.equal(await field.getAttribute("type"), "text");
    assert.equal(await field.evaluate((input) => input.selectionEnd - input.selectionStart), 'refresh_token_secret=""'.length + 86);
  }, {
    prepare: (page) => page.addInitScript(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException("", "NotAllowedError"));
    }),
  }));

test("a phone of 360 pixels shows it all without scrolling sideways", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    await page.getByRole("button", { name: "Make a secret", exact: true }).click();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} pixels`);
    const small = await page.locator("button").evaluateAll((buttons) => buttons.filter((button) => button.checkVisibility() && button.getBoundingClientRect().height < 36).length);
    assert.equal(small, 0, "buttons are large enough for a thumb");
  }, PHONE));

test("the keyboard reaches everything, in order, and one sees where it is", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const reached = [];
    for (let presses = 0; presses < 200; presses += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent.trim() ?? element.textContent;
        return { name, isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
      });
      if (!at) break;
      assert.ok(at.isSeen, `${at.name} shows no focus`);
      reached.push(at.name);
    }
    assert.deepEqual(reached.slice(0, 8), [
      "Skip to the content", "Is it ready?", "Make a secret", "Requests for Bravo", "Try it out",
      "Check again", "What is it for?", "Make a secret",
    ]);
    assert.deepEqual(reached.slice(-4), ["Make a new one", "E-mail", "Password (8 characters or more)", "Try it out"]);
    assert.equal(reached.length, 8 + 104 + 4);
  }));

test("the skip link leads to the content", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  }));

test("dark mode is dark, and light mode is light", async () => {
  const brightness = async (colorScheme) => {
    let colour;
    await onPage(URL_, async (page) => {
      await checked(page);
      colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    }, { colorScheme });
    return colour.reduce((sum, part) => sum + part) / 3;
  };
  assert.ok((await brightness("light")) > 200);
  assert.ok((await brightness("dark")) < 50);
});

test("who wants no motion gets none", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior), "auto");
  }, { reducedMotion: "reduce" }));

for (const colorScheme of ["light", "dark"]) {
  test(`the accessibility checker finds nothing in ${colorScheme} mode`, () =>
    onPage(URL_, async (page) => {
      await checked(page);
      await page.getByRole("button", { name: "Make a secret", exact: true }).click();
      await page.locator("#made li").first().waitFor();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run());
      const found = violations.map(({ impact, id, nodes }) => `${impact} ${id}: ${nodes[0].html}`);
      assert.deepEqual(found, []);
    }, { colorScheme, ...PHONE, ...CLIPBOARD }));
}

test("without JavaScript the page says so and names another way", () =>
  onPage(URL_, async (page) => {
    assert.match(await page.locator("noscript").innerText(), /needs JavaScript/);
    assert.equal(await page.locator("noscript a").getAttribute("href"), "/health");
  }, { javaScriptEnabled: false }));
