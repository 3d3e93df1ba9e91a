// Answers that the worker itself would not give: the net is down, or something
// in between answers in its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checked, onPage, verdict } from "./browser.mjs";

const URL_ = process.env.WORKER;
const BAD_GATEWAY = { status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" };
const expected = /Failed to load resource/;

async function tryOut(page) {
  await checked(page);
  await page.getByLabel("E-mail", { exact: true }).fill("ada@users.test");
  await page.locator("#trial").getByLabel("Password").fill("correct horse");
  await page.locator("#trial").getByRole("button", { name: "Try it out" }).click();
  await page.locator("#outcome.bad").waitFor();
  assert.ok(await page.locator("#trial").getByRole("button").isEnabled(), "it can be tried again");
  return page.locator("#outcome").innerText();
}

test("a net that is down is told, and checking again helps once it is up", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    assert.equal(await verdict(page), "Your worker did not answer.");
    assert.match(await page.locator("#verdict").innerText(), /could not be reached/);
    assert.equal(await page.locator(".card").count(), 17, "the requests are there all the same");
    await page.unroute("**/health");
    await page.getByRole("button", { name: "Check again" }).click();
    await page.getByText("Everything is ready on this computer.").waitFor();
  }, { expected, prepare: (page) => page.route("**/health", (route) => route.abort()) }));

test("an answer of somebody else is told apart from one of the worker", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    assert.match(await page.locator("#verdict").innerText(), /status 502\) is not from Tokenkeep/);
  }, { expected, prepare: (page) => page.route("**/health", (route) => route.fulfill(BAD_GATEWAY)) }));

test("a try-out that meets no net, or somebody else's answer, says so and can be tried again", () =>
  onPage(URL_, async (page) => {
    await page.route("**/auth/signup", (route) => route.abort());
    assert.match(await tryOut(page), /^Sign up did not work\.\nThe worker could not be reached/);
    assert.match(await page.locator("#steps").innerText(), /No answer/);
    await page.unroute("**/auth/signup");
    await page.route("**/auth/signup", (route) => route.fulfill(BAD_GATEWAY));
    assert.match(await tryOut(page), /status 502\) is not from Tokenkeep/);
  }, { expected }));

test("a refresh that fails leaves the way to delete the new account", () =>
  onPage(URL_, async (page) => {
    const body = JSON.stringify({ code: "temporarily_unavailable", message: "Something on our side did not answer.", requestId: "x" });
    await page.route("**/auth/token", (route) => route.fulfill({ status: 503, contentType: "application/json", body }));
    assert.equal(await tryOut(page), "Refresh token did not work.\nSomething on our side did not answer.");
    await page.getByRole("button", { name: "Delete this account" }).click();
    await page.getByRole("button", { name: "Yes, delete" }).click();
    await page.getByText("The account is deleted.").waitFor();
  }, { expected }));
