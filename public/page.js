// The setup page. It asks the worker, makes secrets, and tries a login out.
// Text gets into the document as text only, and nothing that is secret gets
// there unshortened but for the two fields whose purpose it is to be copied.

const SECOND = 1000;
const PATIENCE_MS = 20 * SECOND;
const SECRET_BYTES = 64;
const origin = location.origin;
const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
const $ = (id) => document.getElementById(id);

// An element with its properties, attributes and listeners.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const name in properties) {
    const value = properties[name];
    if (name === "onclick") element.addEventListener("click", value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter(Boolean));
  return element;
}

const box = (className, ...children) => make("div", { className }, ...children);
const button = (label, onclick, more) => make("button", { type: "button", onclick, ...more }, label);
// `code` between backquotes, the rest as text.
const rich = (text) => text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
const paragraph = (text) => make("p", {}, rich(text));

// What came of something: good, bad, or neither yet.
function tell(id, kind, title, text = "") {
  $(id).className = `box ${kind}`;
  $(id).replaceChildren(make("b", {}, title), text);
}

// ---- Requests ----

// The status and the JSON of an answer, and in plain words what is wrong with it.
async function ask(method, path, { body, token } = {}) {
  try {
    const response = await fetch(path, {
      method,
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { ok, status } = response;
    try {
      const json = await response.json();
      return { status, json, problem: !ok && (json.message ?? "Something is not in order.") };
    } catch {
      return { status, problem: `This answer (status ${status}) is not from Tokenkeep. Wait a minute and try again.` };
    }
  } catch {
    return { problem: "The worker could not be reached. Check that it runs and that you are online, and try again." };
  }
}

// ---- Copying ----

let toastTimer;
function say(text) {
  $("toast").textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ($("toast").textContent = ""), 6 * SECOND);
}

// Copies the text, or selects it where the browser does not allow that.
async function copy(text, what, source) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied: ${what}`);
  } catch {
    if (source.select) {
      source.type = "text";
      source.select();
    } else {
      getSelection().selectAllChildren(source);
    }
    say("Your browser did not allow copying. The text is selected: press Ctrl+C, or ⌘C on a Mac.");
  }
}

const line = (text, what, source) =>
  box("line", source, button("Copy", () => copy(text, what, source), { ariaLabel: `Copy ${what}` }));

const sample = (text) => make("code", { className: "value" }, text);
const label = (text) => make("span", { className: "label" }, text);

// A label and its values, each with its button.
const field = (name, values, of = "") =>
  box("field", label(name), box("", values.map((text) => line(text, (values[1] ? text : name) + of, sample(text)))));

// A value that need not be read.
const hidden = (what, value) =>
  line(value, what, make("input", { className: "value", type: "password", readOnly: true, autocomplete: "off", value, ariaLabel: what }));

const command = (text) => field("Type in a terminal, in your project’s folder:", [text]);

// ---- Is it ready? ----

const RUN = isLocal ? "cargo xtask dev" : "cargo xtask deploy";
const dashboard = (text) => !isLocal && paragraph(`In Cloudflare’s dashboard: Workers & Pages, your worker, Settings, ${text}`);
const wait = [paragraph("Wait a minute and check again. If it stays so, look at www.cloudflarestatus.com.")];

const mend = (what) => [paragraph(`Mend \`wrangler.toml\`: ${what}. Then start the worker anew:`), command(RUN)];

function mendSecret(name) {
  if (name.endsWith("previous")) return [paragraph("Store the earlier secret again, or remove it:"), command(`npx wrangler secret delete ${name}`)];
  const maker = button("Make a secret for it", () => {
    $("which").value = name;
    showReplacement();
    $("which").focus();
  });
  if (isLocal) return [paragraph(`On this computer secrets are in your project’s file \`.dev.vars\`. Make one, write it there as a line \`${name}="the secret"\`, and start the worker anew:`), maker, command(RUN)];
  return [maker, command(`npx wrangler secret put ${name}`), dashboard(`Variables and Secrets, Add. Type: Secret. Name: \`${name}\`.`)];
}

// What is wrong. The way to mend it follows apart.
const reason = (told) => `${told.split(". ")[0].replace(/^the \w+ \w+/, "It")}.`;

// A row of the list: name, kind, state, words, and the way to mend it.
function setting(name, told, what = "") {
  if (told === "ok") return [name, "good", "in order", what];
  if (told === "not set") return [name, "", "not used", what];
  const way = name > "a" ? mendSecret(name) : mend(`the line \`${name}\``);
  return [name, "bad", told.includes(" not set") ? "missing" : "to be mended", `${what} ${reason(told)}`, way];
}

function binding(name, told, what, kind, section, whenFailing) {
  if (told === "ok") return [name, "good", "in order", what];
  const way = [...mend(`it lacks the section \`${section}\` with the name \`${name}\``), dashboard(`Bindings, Add: a ${kind} under the name \`${name}\`.`)];
  if (!told) return [name, "", "not used", `${what} Without it there are no accounts: your own back end opens the sessions.`, way];
  if (told.endsWith("not bound")) return [name, "bad", "missing", `${what} It is not connected to your worker.`, way];
  return [name, "bad", "does not answer", `${what} It is connected, but ${told}.`, whenFailing];
}

function limit(told, what) {
  if (told === "ok") return ["ATTEMPTS", "good", "in order", what];
  return ["ATTEMPTS", "", "not used", `${what} Without it nothing fails, and a flood is not slowed.`, mend("it lacks the section `[[ratelimits]]` with the name `ATTEMPTS`")];
}

const SECRETS = {
  refresh_token_secret: "It signs refresh tokens.",
  access_token_secret: "Optional: for other servers of yours that check access tokens.",
  service_key: "Optional: for a back end of yours that does its own login.",
};

function rowsOf({ checks, settings }) {
  const names = Object.keys(settings).filter((name) => !SECRETS[name]);
  const wrong = names.filter((name) => !["ok", "not set"].includes(settings[name]));
  return [
    ...Object.keys(SECRETS).map((name) => setting(name, settings[name], SECRETS[name])),
    binding("SESSIONS", checks.sessions, "The KV store keeps the sessions.", "KV namespace", "[[kv_namespaces]]", wait),
    binding("DB", checks.accounts, "The D1 database keeps the accounts.", "D1 database", "[[d1_databases]]", [paragraph("Most often its tables are missing. This makes them:"), command(RUN), ...wait]),
    binding("ACCOUNT_GUARD", checks.guard, "The Durable Object checks the passwords.", "Durable Object", "[[durable_objects.bindings]]", wait),
    checks.flood && limit(checks.flood, "Optional: the rate limit slows floods of wrong passwords and sign-ups."),
    ...(wrong[0] ? wrong.map((name) => setting(name, settings[name])) : [setting("wrangler.toml", "ok", "The settings under `[vars]`.")]),
  ].filter(Boolean);
}

const MARKS = { good: "✓", bad: "!", "": "–" };

const row = ([name, kind, state, text, way]) =>
  make("li", { className: `part ${kind}` },
    make("span", { className: "mark", ariaHidden: true }, MARKS[kind]),
    box("",
      box("head", make("code", {}, name), make("span", { className: "state" }, state)),
      paragraph(text)),
    way && box("fix", way));

let health = {};
async function check() {
  $("again").disabled = true;
  const { json, problem } = await ask("GET", "/health");
  $("again").disabled = false;
  if (!json?.settings) return tell("verdict", "bad", "Your worker did not answer.", problem);
  health = json;
  const rows = rowsOf(json);
  const count = rows.filter((row) => row[1] === "bad").length;
  if (count) tell("verdict", "bad", count > 1 ? `${count} things need you.` : "One thing needs you.", "Below is what to do. After that, check again.");
  else tell("verdict", "good", "Everything is in order.", "Your worker is ready: go on with the requests for Bravo.");
  $("parts").replaceChildren(...rows.map(row));
  $("version").textContent = json.version;
  showCards();
  showReplacement();
}

// ---- Make a secret ----

function showReplacement() {
  const name = $("which").value;
  const loss = name === "service_key" ? "your back end needs the new one, too" : `everybody has to log in again, unless you store the old one as \`${name}_previous\` first`;
  $("replaces").hidden = health.settings?.[name] !== "ok";
  $("replaces").replaceChildren(...rich(`\`${name}\` is set already. If you replace it, ${loss}.`));
  $("made").replaceChildren();
}

function newSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function makeSecret(event) {
  event.preventDefault();
  const text = `npx wrangler secret put ${$("which").value}`;
  const source = sample(text);
  $("made").replaceChildren(
    isLocal ? paragraph("On this computer secrets are in the file `.dev.vars`: the command is for a worker on the internet.") : "",
    make("ol", {},
      make("li", {}, paragraph("1. Paste the command into a terminal, in your project’s folder, and press Enter."), line(text, "the command", source)),
      make("li", {}, paragraph("2. When it asks for the value, copy the secret and paste it there. Nothing is shown while you paste."), hidden("the secret", newSecret())),
      make("li", {}, "3. Come back here and check again.")));
  copy(text, "the command", source);
}

// ---- Requests for Bravo ----

const LOGIN = { email: "${email}", password: "${password}" };
const REFRESH = { refreshToken: "${refreshToken}" };
const GIVEN = ["accessToken", "refreshToken", "userId"];

function showCards() {
  const card = (name, method, path, { header, body, outputs, expiry, note }) =>
    make("article", { className: "card" },
      make("h3", {}, name),
      [
        ["Name", name],
        ["Method", method],
        ["URL", origin + path],
        header && ["Header name", "Authorization"],
        header && ["Header value", header],
        body && ["Body (JSON)", JSON.stringify(body, null, 2)],
        outputs && ["Output variables", ...outputs],
        expiry && ["Token expiration time in seconds", `${expiry}`],
      ].filter(Boolean).map(([what, ...values]) => field(what, values, ` of ${name}`)),
      note && paragraph(note));
  $("cards").replaceChildren(
    card("Sign up", "POST", "/auth/signup", {
      body: { ...LOGIN, name: "${name}" },
      outputs: GIVEN,
      note: "If your form has no field for the name, leave `name` out of the body.",
    }),
    card("Log in", "POST", "/auth/login", { body: LOGIN, outputs: GIVEN }),
    card("Refresh token", "POST", "/auth/token", {
      body: REFRESH,
      outputs: ["accessToken"],
      expiry: health.accessTokenSeconds,
      note: "For the test value of `refreshToken`, send your request Log in and copy `refreshToken` from its response. Then open your app’s Integrations, scroll to Refresh Token, link this request, type the expiration time, and save.",
    }),
    card("User info", "GET", "/auth/me", { header: "Bearer ${accessToken}", outputs: ["id", "email", "name"] }),
    card("Log out", "POST", "/auth/logout", {
      body: REFRESH,
      note: "Bravo’s own logout only forgets the tokens on the phone. Send this before it, and the session ends on the server, too.",
    }));
}

// ---- Try it out ----

const short = (token) => `${token.slice(0, 8)}…${token.slice(-4)} (${token.length} characters)`;

// JSON without the password, and with tokens too short to be used.
const masked = (json) =>
  JSON.stringify(json, (name, value) => (name === "password" ? "••••••••" : /Token$/.test(name) ? short(value) : value), 2);

// Sends one request and shows it with its answer. Gives nothing when that is no good.
async function step(name, method, path, request) {
  const { body, token } = request;
  tell("outcome", "", `${name} …`);
  const { status, json, problem } = await ask(method, path, request);
  const sent = `${method} ${origin}${path}${token ? `\nAuthorization: Bearer ${short(token)}` : ""}${body ? `\n${masked(body)}` : ""}`;
  $("steps").append(make("li", { className: problem ? "bad" : "good" },
    box("head", make("h3", {}, name), make("span", { className: "state" }, status ? `Status ${status}` : "No answer")),
    label("Sent"),
    make("pre", {}, sent),
    json && [label("Answer"), make("pre", {}, masked(json))]));
  if (problem) tell("outcome", "bad", `${name} did not work.`, problem);
  return problem ? null : json;
}

// Does the work while the buttons rest.
const busy = (work) => async () => {
  const buttons = document.querySelectorAll("#try button");
  for (const one of buttons) one.disabled = true;
  await work();
  for (const one of buttons) one.disabled = false;
};

const tryOut = busy(async () => {
  $("steps").replaceChildren();
  $("actions").replaceChildren();
  const password = $("password").value;
  const account = { body: { email: $("email").value, password } };
  const isNew = $("trial").how.value === "signup";
  const login = await (isNew ? step("Sign up", "POST", "/auth/signup", account) : step("Log in", "POST", "/auth/login", account));
  if (!login) return;
  const again = { body: { refreshToken: login.refreshToken } };
  const tokens = (await step("Refresh token", "POST", "/auth/token", again)) && (await step("Refresh token, the same again", "POST", "/auth/token", again));
  if (tokens && (await step("User info", "GET", "/auth/me", { token: tokens.accessToken }))) {
    tell("outcome", "good", "It works.", "The same refresh token was good twice: a phone that repeats itself does not log anyone out.");
  }
  showActions(login, password);
});

// What can be done with the account that is logged in now.
function showActions({ accessToken, refreshToken, email }, password) {
  const end = (name, method, path, request, title, text) => busy(async () => {
    if (!(await step(name, method, path, request))) return;
    $("actions").replaceChildren();
    tell("outcome", "good", title, text);
    $("email").focus();
  });
  const logOut = end("Log out", "POST", "/auth/logout", { body: { refreshToken } }, "Logged out.", "The session has ended on the server. The account is still there.");
  const remove = end("Delete account", "DELETE", "/auth/me", { token: accessToken, body: { password } }, "The account is deleted.", "Nothing of it is left on your worker.");
  const sure = button(`Yes, delete ${email} for good`, remove, { className: "danger", hidden: true });
  const first = button("Delete this account", () => {
    first.hidden = true;
    sure.hidden = false;
    sure.focus();
  }, { className: "danger" });
  $("actions").replaceChildren(
    box("field", label("For the test value of refreshToken in Bravo:"), hidden("refreshToken", refreshToken)),
    first, sure, button("Log out", logOut));
}

// ---- Start ----

$("again").onclick = check;
$("which").onchange = showReplacement;
$("maker").onsubmit = makeSecret;
$("trial").onsubmit = (event) => {
  event.preventDefault();
  tryOut();
};
$("trial").onchange = () => ($("real").hidden = $("trial").how.value !== "signup");
$("logo").src = $("icon").href;
showCards();
check();
