// The try-out, from a new account to its end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { PHONE, checked, onPage } from "./browser.mjs";

const URL_ = process.env.WORKER;
const PASSWORD = "correct horse battery";
const newEmail = () => `${randomUUID()}@users.test`;

const post = (path, body) => fetch(new URL(path, URL_), { method: "POST", body: JSON.stringify(body) });

async function start(page, how, email, password) {
  await checked(page);
  await page.getByLabel(how).check();
  await page.getByLabel("E-mail", { exact: true }).fill(email);
  await page.locator("#trial").getByLabel("Password").fill(password);
  await page.locator("#trial").getByRole("button", { name: "Try it out" }).click();
  await page.locator("#outcome:is(.good, .bad)").waitFor();
}

const outcome = (page) => page.locator("#outcome").innerText();

// Each step with its status.
const steps = (page) =>
  page.locator("#steps li").evaluateAll((all) => all.map((step) => `${step.querySelector("h3").textContent}: ${step.querySelector(".state").textContent}`));

// Nobody who looks over a shoulder or at a screenshot can use what is shown.
async function nothingUsableIsShown(page) {
  const html = await page.content();
  assert.ok(!html.includes(PASSWORD));
  assert.doesNotMatch(html, /eyJ[\w-]+\.[\w-]+\.[\w-]+/);
  assert.match(await page.locator("#steps").innerText(), /eyJ[\w-]{5}…[\w-]{4} \(\d+ characters\)/);
}

test("a new account signs up, refreshes twice, is known, and is deleted", () => {
  const email = newEmail();
  const asked = [];
  return onPage(URL_, async (page) => {
    page.on("request", (request) => asked.push(request));
    assert.match(await page.locator("#real").innerText(), /makes a real account/);
    await start(page, "Make a new one", email, PASSWORD);
    assert.match(await outcome(page), /^It works\./);
    assert.deepEqual(await steps(page), [
      "Sign up: Status 200", "Refresh token: Status 200", "Refresh token, the same again: Status 200", "User info: Status 200",
    ]);
    await nothingUsableIsShown(page);
    assert.match(await page.locator("#steps").innerText(), new RegExp(`"email": "${email}"`));
    const [first, second] = asked.filter((request) => request.url().endsWith("/auth/token"));
    assert.equal(first.postData(), second.postData(), "the same token twice");

    assert.equal((await post("/auth/login", { email, password: PASSWORD })).status, 200);
    const sure = page.getByRole("button", { name: `Yes, delete ${email} for good` });
    assert.equal(await sure.isVisible(), false);
    await page.getByRole("button", { name: "Delete this account" }).click();
    assert.equal((await post("/auth/login", { email, password: PASSWORD })).status, 200, "one press is not enough");
    await sure.click();
    await page.getByText("The account is deleted.").waitFor();
    assert.deepEqual((await steps(page)).at(-1), "Delete account: Status 200");
    assert.equal((await post("/auth/login", { email, password: PASSWORD })).status, 401);
    assert.equal(await page.locator("#actions button").count(), 0);
    await nothingUsableIsShown(page);
    for (const request of asked) assert.ok(!/eyJ|correct/.test(request.url()), request.url());
  });
});

test("an account that exists logs in and logs out, and stays", async () => {
  const email = newEmail();
  await post("/auth/signup", { email, password: PASSWORD });
  await onPage(URL_, async (page) => {
    await page.getByLabel("Log in to one that exists").check();
    assert.equal(await page.locator("#real").isVisible(), false);
    await start(page, "Log in to one that exists", email, PASSWORD);
    assert.match(await outcome(page), /^It works\./);
    await page.getByRole("button", { name: "Copy refreshToken", exact: true }).click();
    await page.getByText("Copied: refreshToken").waitFor();
    const refreshToken = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal((await post("/auth/token", { refreshToken })).status, 200);
    await nothingUsableIsShown(page);
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.getByText("Logged out.", { exact: true }).waitFor();
    assert.equal((await post("/auth/token", { refreshToken })).status, 401);
    assert.equal((await post("/auth/login", { email, password: PASSWORD })).status, 200);
  }, { permissions: ["clipboard-read", "clipboard-write"] });
});

test("a test e-mail goes to the account's address, and one that fails is told with the provider's answer", () =>
  onPage(URL_, async (page) => {
    const email = newEmail();
    await start(page, "Make a new one", email, PASSWORD);
    const send = () => page.getByRole("button", { name: "Send a test e-mail" }).click();
    await send();
    await page.getByText("An e-mail is on its way.").waitFor();
    assert.match(await outcome(page), new RegExp(`mailbox of ${email}`));
    assert.equal((await steps(page)).at(-1), "Send a code to log in: Status 200");
    const report = "within the last hour, an e-mail could not be sent: Resend answered with status 403";
    await page.route("**/health", (route) => route.fulfill({ json: { checks: { mail: report } } }));
    await send();
    await page.getByText("The e-mail has probably not gone out.").waitFor();
    assert.match(await outcome(page), /Resend answered with status 403\. A status of 401 or 403 means/);
  }));

// In a field of type=email, Chromium would put punycode in place of what was typed.
test("an address is sent as it was typed, and with its host in punycode it is the same account", () => {
  const user = randomUUID();
  const email = `${user}@bücher.example`;
  return onPage(URL_, async (page) => {
    const sent = page.waitForRequest((request) => request.url().endsWith("/auth/signup"));
    await start(page, "Make a new one", email, PASSWORD);
    assert.equal((await sent).postDataJSON().email, email);
    assert.equal(await page.getByLabel("E-mail", { exact: true }).inputValue(), email);
    assert.match(await outcome(page), /^It works\./);
    const login = await post("/auth/login", { email: `${user}@xn--bcher-kva.example`, password: PASSWORD });
    assert.equal(login.status, 200);
  });
});

test("what the server refuses is told in its words, and can be tried again", async () => {
  const email = newEmail();
  const message = async (path, body) => (await (await post(path, body)).json()).message;
  await onPage(URL_, async (page) => {
    await start(page, "Log in to one that exists", email, PASSWORD);
    assert.equal(await outcome(page), `Log in did not work.\n${await message("/auth/login", { email, password: PASSWORD })}`);
    assert.deepEqual(await steps(page), ["Log in: Status 401"]);
    await start(page, "Make a new one", email, "short");
    assert.equal(await outcome(page), `Sign up did not work.\n${await message("/auth/signup", { email, password: "short" })}`);
    assert.equal(await page.locator("#actions button").count(), 0);
    await start(page, "Make a new one", email, PASSWORD);
    assert.match(await outcome(page), /^It works\./);
  }, { expected: /status of 40[01]/ });
});

test("too many wrong passwords are told with the time to wait", async () => {
  const email = newEmail();
  for (let attempt = 0; attempt < 10; attempt += 1) await post("/auth/login", { email, password: "wrong password" });
  await onPage(URL_, async (page) => {
    await start(page, "Log in to one that exists", email, PASSWORD);
    assert.match(await outcome(page), /^Log in did not work\.\nToo many attempts.*Try again in \d+ seconds\./);
    assert.deepEqual(await steps(page), ["Log in: Status 429"]);
  }, { expected: /status of 429/ });
});

test("it works on a phone and with the keyboard alone", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const email = newEmail();
    await page.getByLabel("E-mail", { exact: true }).focus();
    await page.keyboard.type(email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator("#outcome.good").waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360);
    await page.getByRole("button", { name: "Delete this account" }).focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), `Yes, delete ${email} for good`);
    await page.keyboard.press("Enter");
    await page.getByText("The account is deleted.").waitFor();
  }, PHONE));
