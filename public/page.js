// The setup page. It asks the worker for its health, makes secrets, and tests a login.
// Text enters the document only as text, and nothing secret enters it unshortened,
// except for the two fields whose purpose is to be copied.

const SECOND = 1000;
const PATIENCE_MS = 20 * SECOND;
const REFUSAL_MS = 3 * SECOND; // By then, a provider that refuses an e-mail has done so.
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

// Shows an outcome: good, bad, or neither yet.
function show(id, kind, title, text = "") {
  $(id).className = `box ${kind}`;
  $(id).replaceChildren(make("b", {}, title), text);
}

// ---- Requests ----

// The status and JSON of an answer, and in plain words what is wrong with it.
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
      return { status, json, problem: !ok && (json.message ?? "Something is wrong.") };
    } catch {
      return { status, problem: `This answer (status ${status}) is not from Tokenkeep. Wait a minute and try again.` };
    }
  } catch {
    return { problem: "The worker could not be reached. Check that it is running and that you are online, and try again." };
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

const line = (text, what, source, caption = "Copy") =>
  box("line", source, button(caption, () => copy(text, what, source), { ariaLabel: `Copy ${what}` }));

const sample = (text) => make("code", { className: "value" }, text);
const label = (text) => make("span", { className: "label" }, text);

// A label and its values, each with its button.
const field = (name, values, of = "") =>
  box("field", label(name), box("", values.map((text) => line(text, (values[1] ? text : name) + of, sample(text)))));

// A value that nobody has to read.
const hidden = (what, value, caption) =>
  line(value, what, make("input", { className: "value", type: "password", readOnly: true, autocomplete: "off", value, ariaLabel: what }), caption);

const command = (text) => field("Type this in a terminal, in your project’s folder:", [text]);

// ---- Is it ready? ----

const RUN = isLocal ? "npx tokenkeep dev" : "npx tokenkeep deploy";
const dashboard = (text) => !isLocal && paragraph(`In Cloudflare’s dashboard: Workers & Pages, your worker, Settings, ${text}`);
const wait = [paragraph("Wait a minute and check again. If it does not go away, look at www.cloudflarestatus.com.")];

// The worker creates its tables itself: one that is missing cannot be created.
const fixTables = (report) => !report?.includes("created") ? wait
  : [paragraph("This command tries the same and shows why it fails:"), command(`npx wrangler d1 migrations apply DB --${isLocal ? "local" : "remote"}`)];

const fixFile = (what) => [paragraph(`Fix \`wrangler.toml\`: ${what}. Then ${isLocal ? "start the worker" : "deploy"} again:`), command(RUN)];

function fixSecret(name) {
  if (!SECRETS[name] && !name.endsWith("previous")) {
    if (isLocal) return [paragraph(`Copy the key from the service that delivers your e-mails, add or replace the line \`${name}="the key"\` in \`.dev.vars\`, and start the worker again:`), command(RUN)];
    return [paragraph("Copy the key from the service that delivers your e-mails, and store it:"), command(`npx tokenkeep secret ${name}`), dashboard(`Variables and Secrets, Add. Type: Secret. Name: \`${name}\`.`)];
  }
  if (name.endsWith("previous") && isLocal) return [paragraph(`Replace the line \`${name}=…\` in \`.dev.vars\`, or delete it, and start the worker again:`), command(RUN)];
  if (name.endsWith("previous")) return [paragraph("Store the earlier secret again, or remove it:"), command(`npx wrangler secret delete ${name}`)];
  const maker = button("Make a secret for it", () => {
    $("which").value = name;
    showReplacement();
    $("which").focus();
  });
  if (isLocal) return [paragraph(`On this computer secrets are in your project’s file \`.dev.vars\`. Make one, add or replace the line \`${name}="the secret"\` there, and start the worker again:`), maker, command(RUN)];
  return [maker, command(`npx tokenkeep secret ${name}`), dashboard(`Variables and Secrets, Add. Type: Secret. Name: \`${name}\`.`)];
}

// What is wrong. The fix follows separately.
const reason = (report) => `${report.split(". ")[0].replace(/^the \w+ \w+/, "It")}.`;

// A row of the list: name, kind, state, words, and the fix.
function setting(name, report, what = "") {
  if (report === "ok") return [name, "good", "ok", what];
  if (report === "not set") return [name, "", "not used", what];
  const fix = name > "a" ? fixSecret(name) : fixFile(`the line \`${name}\``);
  return [name, "bad", report.includes(" not set") ? "missing" : "needs fixing", `${what} ${reason(report)}`, fix];
}

function binding(name, report, what, kind, section, whenFailing) {
  if (report === "ok") return [name, "good", "ok", what];
  const fix = [...fixFile(`the section \`${section}\` with the name \`${name}\` is missing`), dashboard(`Bindings, Add: a ${kind} with the name \`${name}\`.`)];
  if (!report) return [name, "", "not used", `${what} Without it there are no accounts: your own back end opens the sessions.`, fix];
  if (report.endsWith("not bound")) return [name, "bad", "missing", `${what} It is not connected to your worker.`, fix];
  return [name, "bad", "does not answer", `${what} It is connected, but ${report}.`, whenFailing];
}

// Where an object is missing, the report names it; KV is needed with either store.
function sessions(report) {
  const isObjects = report?.startsWith("USER_SESSIONS");
  if (isObjects) return binding("USER_SESSIONS", report, "Durable Objects keep sessions.", "Durable Object", "[[durable_objects.bindings]]", wait);
  return binding("SESSIONS", report, "The KV store keeps sessions.", "KV namespace", "[[kv_namespaces]]", wait);
}

function limit(name, report, what) {
  if (report === "ok") return [name, "good", "ok", what];
  return [name, "", "not used", `${what} Without it nothing fails, but a flood is not stopped.`, fixFile(`the section \`[[ratelimits]]\` with the name \`${name}\` is missing`)];
}

const MAIL_HINT = "A status of 401 or 403 means that the key or the sender is wrong; 400 or 422, that it does not take the address.";

// What is wrong with a setting of e-mail has a row of its own.
function mail(report, set) {
  const what = "Optional: e-mails with codes, for forgotten passwords, logins without one, and to verify addresses.";
  if (report === "ok") return ["MAIL", "good", "ok", `${what} Try it out below, with an address of yours, and send a test e-mail.`];
  if (!report) return ["MAIL", "", "not used", `${what} Tokenkeep’s guide \`docs/operating.md\` says how to have them.`];
  if (report.startsWith("within")) return ["MAIL", "bad", "does not work", `${what} ${report.replace("within", "Within")}.`, [paragraph(MAIL_HINT)]];
  return set === "ok" && ["MAIL", "bad", "needs fixing", `${what} ${reason(report)}`, fixFile(report.includes("EMAIL") ? "the section `[[send_email]]` with the name `EMAIL` is missing" : "the line `MAIL`")];
}

const SECRETS = {
  refresh_token_secret: "It signs refresh tokens.",
  access_token_secret: "Optional: for other servers of yours that verify access tokens.",
  access_token_private_key: "Optional: for servers that verify access tokens with a public key.",
  service_key: "Optional: for a back end of yours that logs users in itself.",
};

// A key that can be read, but that the runtime does not take.
const refused = (name, report) => (report?.startsWith(`the secret ${name} `) ? report : undefined);

function rowsOf({ checks, settings }) {
  const names = Object.keys(settings).filter((name) => !SECRETS[name]);
  const wrong = names.filter((name) => !["ok", "not set"].includes(settings[name]));
  return [
    ...Object.keys(SECRETS).map((name) => setting(name, refused(name, checks.keys) ?? settings[name], SECRETS[name])),
    sessions(checks.sessions),
    binding("DB", checks.accounts, "The D1 database keeps accounts.", "D1 database", "[[d1_databases]]", fixTables(checks.accounts)),
    binding("ACCOUNT_GUARD", checks.guard, "The Durable Object checks passwords.", "Durable Object", "[[durable_objects.bindings]]", wait),
    checks.flood && limit("ATTEMPTS", checks.flood, "Optional: this rate limit slows down floods of wrong passwords and sign-ups."),
    checks.requests && limit("REQUESTS", checks.requests, "Optional: this rate limit refuses a user's requests beyond 30 a minute."),
    checks.lists && limit("LISTS", checks.lists, "Optional: this rate limit refuses a user's lists of sessions beyond five a minute."),
    mail(checks.mail, settings.MAIL),
    checks.issuer && ["ISSUER", "", "not set", "Each token names the URL that was called. Set it if other servers verify tokens: `docs/verify.md`."],
    ...(wrong[0] ? wrong.map((name) => setting(name, settings[name])) : [setting("wrangler.toml", "ok", "The settings under `[vars]`.")]),
  ].filter(Boolean);
}

const MARKS = { good: "✓", bad: "!", "": "–" };

const row = ([name, kind, state, text, fix]) =>
  make("li", { className: `part ${kind}` },
    make("span", { className: "mark", ariaHidden: true }, MARKS[kind]),
    box("",
      box("head", make("code", {}, name), make("span", { className: "state" }, state)),
      paragraph(text)),
    fix && box("fix", fix));

let health = {};
async function check() {
  $("again").disabled = true;
  const { json, problem } = await ask("GET", "/health");
  $("again").disabled = false;
  if (!json?.settings) return show("verdict", "bad", "Your worker did not answer.", problem);
  health = json;
  const rows = rowsOf(json);
  const count = rows.filter((row) => row[1] === "bad").length;
  if (count) show("verdict", "bad", count > 1 ? `${count} things need fixing.` : "One thing needs fixing.", "See below what to do, then check again.");
  else if (isLocal) show("verdict", "good", "Everything is ready on this computer.", "Try a login below. Bravo and your phone cannot reach this computer: before you go on there, put the worker on the internet.");
  else show("verdict", "good", "Everything is ready.", "Go on with the requests for Bravo.");
  $("parts").replaceChildren(...rows.map(row));
  $("version").textContent = json.version;
  showCards();
  showReplacement();
}

// ---- Make a secret ----

// Which secret it is for, and the algorithm of a key pair.
const chosen = () => $("which").value.split(" ");

function showReplacement() {
  const [name] = chosen();
  const isKey = name.endsWith("_private_key");
  const advice = name === "service_key"
    ? "If you replace it, your back end needs the new one, too."
    : `If you replace it, ${name === "refresh_token_secret" ? "everybody has to log in again" : "the access tokens in use become invalid"}. To avoid that, first store the old and the new ${isKey ? "key" : "secret"} as \`${name}_previous\`, with a space between them, and wait ${isKey ? "ten minutes" : "a minute"}.`;
  $("replaces").hidden = health.settings?.[name] !== "ok";
  $("replaces").replaceChildren(...rich(`\`${name}\` is set already. ${advice}`));
  $("made").replaceChildren();
}

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

const newSecret = () =>
  toBase64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const PAIRS = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
};

// The private key of a new pair, as PEM. A terminal takes one line, so its line ends are written out.
async function newPrivateKey(algorithm = "ES256") {
  const { privateKey } = await crypto.subtle.generateKey(PAIRS[algorithm], true, ["sign", "verify"]);
  const base64 = toBase64(new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
  return ["-----BEGIN PRIVATE KEY-----", ...base64.match(/.{1,64}/g), "-----END PRIVATE KEY-----"].join("\\n");
}

async function makeSecret(event) {
  event.preventDefault();
  const [name, algorithm] = chosen();
  const isKey = name.endsWith("_private_key");
  if (isKey && !isSecureContext) return $("made").replaceChildren(paragraph("Your browser makes key pairs only on pages that are called with `https://`, or on `http://localhost`."));
  const secret = isKey ? await newPrivateKey(algorithm) : newSecret();
  if (isLocal) return showLine(name, secret);
  const text = `npx tokenkeep secret ${name}`;
  const source = sample(text);
  $("made").replaceChildren(
    make("ol", {},
      make("li", {}, paragraph("1. Copy the command, paste it into a terminal in your project’s folder, and press Enter."), line(text, "the command", source, "Copy the command")),
      make("li", {}, paragraph("2. When the terminal asks for the value, copy the secret, paste it there, and press Enter. It is not shown."), hidden("the secret", secret, "Copy the secret")),
      make("li", {}, "3. Keep the secret in a password manager, too: it cannot be read back, and you need it when you replace it."),
      make("li", {}, "4. Come back here and check again."),
      isKey && make("li", {}, paragraph("5. Servers that verify tokens find the public key at `/.well-known/jwks.json`."))));
  $("made").querySelector("button").focus();
}

// On this computer a secret is a line of a file.
function showLine(name, secret) {
  $("made").replaceChildren(make("ol", {},
    make("li", {}, paragraph(`1. Copy the line, and put it into the file \`.dev.vars\` in your project’s folder. Replace the line \`${name}=…\`, if there is one.`), hidden("the line", `${name}="${secret}"`, "Copy the line")),
    make("li", {}, paragraph("2. Start the worker again."), line(RUN, "the command", sample(RUN), "Copy the command")),
    make("li", {}, "3. Come back here and check again. The worker on the internet has secrets of its own.")));
  $("made").querySelector("button").focus();
}

// ---- Requests for Bravo ----

const LOGIN = { email: "${email}", password: "${password}" };
const REFRESH = { refreshToken: "${refreshToken}" };
const LANGUAGE = { language: "${device.lang}" };
const BEARER = "Bearer ${accessToken}";
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
    card("Log in", "POST", "/auth/login", { body: { ...LOGIN, ...REFRESH }, outputs: GIVEN }),
    card("Refresh token", "POST", "/auth/token", {
      body: REFRESH,
      outputs: ["accessToken"],
      expiry: health.accessTokenSeconds,
      note: "For the test value of `refreshToken`, send your request Log in and copy `refreshToken` from its response. Then open your app’s Integrations, scroll to Refresh Token, link this request, type the expiration time, and save.",
    }),
    card("User info", "GET", "/auth/me", { header: BEARER, outputs: ["id", "email", "name"] }),
    card("Change name", "PATCH", "/auth/me", { header: BEARER, body: { name: "${name}" }, outputs: ["name"] }),
    card("Change password", "POST", "/auth/password/change", {
      header: BEARER,
      body: { currentPassword: "${currentPassword}", newPassword: "${newPassword}" },
      outputs: ["accessToken", "refreshToken"],
      note: "The answer is a new session, as after a login. All other devices of the user have to log in again.",
    }),
    card("Forgot password", "POST", "/auth/password/forgot", {
      body: { email: "${email}", ...LANGUAGE },
      note: "For a first screen. It sends a code by e-mail, so `MAIL` has to be set up. It answers the same for an address without an account.",
    }),
    card("Reset password", "POST", "/auth/password/reset", {
      body: { email: "${email}", code: "${code}", newPassword: "${newPassword}" },
      outputs: GIVEN,
      note: "For a second screen, with the same address. The answer is a new session, as after a login. All other devices of the user have to log in again.",
    }),
    card("Send a code to log in", "POST", "/auth/code/send", {
      body: { email: "${email}", ...LANGUAGE },
      note: "Optional: a login without passwords, beside Sign up and Log in or in their place. For a first screen. A new address gets an account.",
    }),
    card("Log in with a code", "POST", "/auth/code/login", {
      body: { email: "${email}", code: "${code}" },
      outputs: GIVEN,
      note: "For a second screen, with the same address. If the address was never verified, the account’s password is gone: it may be a stranger’s.",
    }),
    card("Send a code to verify", "POST", "/auth/email/verify/send", {
      body: { email: "${email}", ...LANGUAGE },
      note: "Optional. With `EMAIL_VERIFICATION`, a code is sent at sign-up anyway; this sends another one.",
    }),
    card("Verify e-mail", "POST", "/auth/email/verify", {
      body: { email: "${email}", code: "${code}", password: "${password}" },
      outputs: GIVEN,
      note: "For a screen after Sign up, with the same address and password. Without the password, that of the sign-up is gone: it may be a stranger’s.",
    }),
    card("Change e-mail address", "POST", "/auth/email/change", {
      header: BEARER,
      body: { password: "${password}", newEmail: "${newEmail}", ...LANGUAGE },
      note: "Sends a code to the new address. Without e-mail, the address changes at once.",
    }),
    card("Confirm e-mail address", "POST", "/auth/email/change/confirm", {
      header: BEARER,
      body: { code: "${code}" },
      outputs: ["email"],
      note: "For a second screen. Nobody is logged out.",
    }),
    card("Delete account", "DELETE", "/auth/me", {
      header: BEARER,
      body: { password: "${password}" },
      note: "App stores require this in every app that has accounts. Show your login page after it. An account without a password sends `code` in its place, from Send a code to log in.",
    }),
    card("Log out", "POST", "/auth/logout", {
      body: REFRESH,
      note: "Bravo’s own logout only forgets the tokens on the phone. Send this before it, and the session ends on the server, too.",
    }),
    card("Log out everywhere", "POST", "/auth/logout/all", { header: BEARER, note: "Ends the sessions on all devices of the user, including this one." }));
}

// ---- Try it out ----

const short = (token) => `${token.slice(0, 8)}…${token.slice(-4)} (${token.length} characters)`;

// JSON without the password, and with tokens too short to be used.
const masked = (json) =>
  JSON.stringify(json, (name, value) => (name === "password" ? "••••••••" : /Token$/.test(name) ? short(value) : value), 2);

// Sends one request and shows it with its answer, which it returns if there was no error.
async function step(name, method, path, request) {
  const { body, token } = request;
  show("outcome", "", `${name} …`);
  const { status, json, problem } = await ask(method, path, request);
  const sent = `${method} ${origin}${path}${token ? `\nAuthorization: Bearer ${short(token)}` : ""}${body ? `\n${masked(body)}` : ""}`;
  $("steps").append(make("li", { className: problem ? "bad" : "good" },
    box("head", make("h3", {}, name), make("span", { className: "state" }, status ? `Status ${status}` : "No answer")),
    label("Sent"),
    make("pre", {}, sent),
    json && [label("Answer"), make("pre", {}, masked(json))]));
  if (problem) show("outcome", "bad", `${name} did not work.`, problem);
  return problem ? null : json;
}

// Disables the buttons during the work.
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
  if (login.verificationRequired) return show("outcome", "good", "It works: a code is on its way.", "Your settings want the address to be verified first. Your app sends the code with Verify e-mail.");
  const again = { body: { refreshToken: login.refreshToken } };
  const tokens = (await step("Refresh token", "POST", "/auth/token", again)) && (await step("Refresh token, the same again", "POST", "/auth/token", again));
  if (tokens && (await step("User info", "GET", "/auth/me", { token: tokens.accessToken }))) {
    show("outcome", "good", "It works.", "The same refresh token worked twice: a phone that repeats a request logs nobody out.");
  }
  showActions(login, password);
});

// A code to log in, as the app sends it.
const sendTest = (email) => busy(async () => {
  if (!(await step("Send a code to log in", "POST", "/auth/code/send", { body: { email } }))) return;
  await new Promise((done) => setTimeout(done, REFUSAL_MS));
  const report = (await ask("GET", "/health")).json?.checks?.mail ?? "ok";
  if (report !== "ok") return show("outcome", "bad", "The e-mail has probably not gone out.", `${report.replace("within", "Within")}. ${MAIL_HINT} If it arrives all the same, an earlier one failed.`);
  show("outcome", "good", "An e-mail is on its way.", `Look into the mailbox of ${email}, and among its spam. ${isLocal ? "With MAIL=log, it is in the terminal. " : ""}If it is not there in a minute, check again at the top of this page. Another one can be sent after a minute.`);
});

// What can be done with the account that is logged in now.
function showActions({ accessToken, refreshToken, email }, password) {
  const end = (name, method, path, request, title, text) => busy(async () => {
    if (!(await step(name, method, path, request))) return;
    $("actions").replaceChildren();
    show("outcome", "good", title, text);
    $("email").focus();
  });
  const logOut = end("Log out", "POST", "/auth/logout", { body: { refreshToken } }, "Logged out.", "The session has ended on the server. The account is still there.");
  const remove = end("Delete account", "DELETE", "/auth/me", { token: accessToken, body: { password } }, "The account is deleted.", "E-mail address, name, password and sessions are erased. What stays: its id and a few dates, for 400 days at most, and for 30 days a hash of your network.");
  const sure = button(`Yes, delete ${email} for good`, remove, { className: "danger", hidden: true });
  const first = button("Delete this account", () => {
    first.hidden = true;
    sure.hidden = false;
    sure.focus();
  }, { className: "danger" });
  const test = health.checks?.mail ? [button("Send a test e-mail", sendTest(email))] : [];
  $("actions").replaceChildren(
    box("field", label("For the test value of refreshToken in Bravo:"), hidden("refreshToken", refreshToken)),
    ...test, first, sure, button("Log out", logOut));
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
$("local").hidden = !isLocal;
showCards();
check();
