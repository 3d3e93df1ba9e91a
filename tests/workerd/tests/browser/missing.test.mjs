// What the page says of workers that lack something: each piece is named with its
// remedy, on the internet and on one's own computer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PUBLIC_HOST, checked, onPage, states, verdict } from "./browser.mjs";

const URL_ = process.env.WORKER;
const NOT_SET_UP = process.env.NOT_SET_UP;
const WORKERS = JSON.parse(process.env.WORKERS);
const expected = /status of 503/;

// The page is one and the same file for all workers. Here `worker` tells it how it is.
const told = (worker) => (page) =>
  page.route("**/health", async (route) => route.fulfill({ response: await route.fetch({ url: `${WORKERS[worker]}health` }) }));

const publicUrl = (url) => url.replace("127.0.0.1", PUBLIC_HOST);

// What a row says, its remedies' commands, and whether its button is there.
const row = (page, name) =>
  page.locator("#parts > li").filter({ has: page.locator(`.head code:text-is("${name}")`) });
const commands = async (page, name) => row(page, name).locator(".value").allInnerTexts();

const ROWS = [
  // worker, row, its state, the command on the internet, the command at home, words
  ["no_secret", "refresh_token_secret", "missing", "npx tokenkeep secret refresh_token_secret", "npx tokenkeep dev", /is not set/],
  ["weak_secret", "refresh_token_secret", "needs fixing", "npx tokenkeep secret refresh_token_secret", "npx tokenkeep dev", /32 bytes/],
  ["same_secrets", "access_token_secret", "needs fixing", "npx tokenkeep secret access_token_secret", "npx tokenkeep dev", /contain the same secret/],
  ["public_key", "access_token_private_key", "needs fixing", "npx tokenkeep secret access_token_private_key", "npx tokenkeep dev", /is a public key/],
  ["refused_key", "access_token_private_key", "needs fixing", "npx tokenkeep secret access_token_private_key", "npx tokenkeep dev", /It is damaged/],
  ["weak_service_key", "service_key", "needs fixing", "npx tokenkeep secret service_key", "npx tokenkeep dev", /32 bytes/],
  ["weak_previous", "refresh_token_secret_previous", "needs fixing", "npx wrangler secret delete refresh_token_secret_previous", "npx tokenkeep dev", /32 bytes/],
  ["bad_number", "ACCESS_TOKEN_SECONDS", "needs fixing", "npx tokenkeep deploy", "npx tokenkeep dev", /from 60 to 86400/],
  ["bad_switch", "SIGN_UP", "needs fixing", "npx tokenkeep deploy", "npx tokenkeep dev", /"on" or "off"/],
  ["no_store", "SESSIONS", "missing", "npx tokenkeep deploy", "npx tokenkeep dev", /not connected/],
  ["no_tables", "DB", "does not answer", "npx wrangler d1 migrations apply DB --remote", "npx wrangler d1 migrations apply DB --local", /could not be created/],
  ["no_guard", "ACCOUNT_GUARD", "missing", "npx tokenkeep deploy", "npx tokenkeep dev", /not connected/],
];

for (const [worker, name, state, onTheInternet, atHome, words] of ROWS) {
  test(`${worker}: ${name} is named with its remedy`, async () => {
    for (const [url, remedy] of [[publicUrl(URL_), onTheInternet], [URL_, atHome]]) {
      await onPage(url, async (page) => {
        await checked(page);
        assert.equal(await verdict(page), "One thing needs fixing.");
        assert.equal((await states(page))[name], state);
        assert.match(await row(page, name).innerText(), words);
        if (remedy) assert.ok((await commands(page, name)).includes(remedy), `${await commands(page, name)}`);
        assert.ok(!(await page.content()).includes(process.env.SECRET_MARK), "no value is shown");
      }, { expected, prepare: told(worker) });
    }
  });
}

test("a worker without any secret has its page, which names all that is missing at once, with the place in Cloudflare's dashboard", () =>
  onPage(publicUrl(NOT_SET_UP), async (page) => {
    await checked(page);
    assert.equal(await verdict(page), "3 things need fixing.");
    assert.deepEqual(await states(page), {
      refresh_token_secret: "missing",
      access_token_secret: "not used",
      access_token_private_key: "not used",
      service_key: "not used",
      SESSIONS: "missing",
      DB: "not used",
      ACCOUNT_GUARD: "not used",
      REQUESTS: "not used",
      LISTS: "not used",
      MAIL: "not used",
      SIGN_UP: "needs fixing",
    });
    for (const name of ["refresh_token_secret", "SESSIONS", "DB"]) {
      assert.match(await row(page, name).innerText(), /In Cloudflare’s dashboard: Workers & Pages, your worker, Settings, /);
    }
    // What is optional is no alarm, but says how to have it.
    assert.match(await row(page, "DB").innerText(), /no accounts/);
  }, { expected }));

test("a worker for another back end's logins is ready without a service key, a database and guards", () =>
  onPage(publicUrl(URL_), async (page) => {
    await checked(page);
    assert.equal(await verdict(page), "Everything is ready.");
    assert.equal(await page.locator("#local").isVisible(), false);
    const { service_key, DB, ACCOUNT_GUARD } = await states(page);
    assert.deepEqual({ service_key, DB, ACCOUNT_GUARD }, { service_key: "not used", DB: "not used", ACCOUNT_GUARD: "not used" });
  }, { prepare: told("no_service_key") }));

test("a worker without its limit of floods is ready, and says how to have it", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    assert.equal(await verdict(page), "Everything is ready on this computer.");
    assert.equal((await states(page)).ATTEMPTS, "not used");
    assert.match(await row(page, "ATTEMPTS").innerText(), /Optional: .* the section \[\[ratelimits\]\] .* is missing/s);
    assert.deepEqual(await commands(page, "ATTEMPTS"), ["npx tokenkeep dev"]);
  }, { prepare: told("no_flood_limit") }));

test("the button of a missing secret leads to where one is made", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    await page.getByRole("button", { name: "Make a secret for it" }).click();
    assert.equal(await page.getByLabel("What is it for?").inputValue(), "service_key");
    assert.equal(await page.evaluate(() => document.activeElement.id), "which");
  }, { expected, prepare: told("weak_service_key") }));

test("the expiration time is the one in force", () =>
  onPage(URL_, async (page) => {
    await checked(page);
    const card = page.locator(".card").filter({ hasText: "Token expiration time in seconds" });
    assert.equal(await card.locator(".field").last().locator(".value").innerText(), "7200");
  }, { prepare: told("two_hours") }));

test("a page that lacks everything fits a phone and passes the eye of the checker", () =>
  onPage(publicUrl(NOT_SET_UP), async (page) => {
    await checked(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360);
  }, { expected, viewport: { width: 360, height: 740 } }));
