// The libraries of Node.js. Run it where they are installed.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.cwd() + "/");
const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const line = (form, library, password, hash) =>
  console.log(JSON.stringify({ form, by: `${library} ${version(library)}`, password, hash }));
const load = (path) => import(`${process.cwd()}/node_modules/${path}`);

const plain = "correct horse battery";
const unicode = "pässwörd ✓ 密码";
// NFKC makes "fine 123" of it.
const wide = "ﬁｎｅ　①②③";

const betterAuth = await load("better-auth/dist/crypto/password.mjs");
const { Scrypt, LegacyScrypt } = await load("lucia/dist/crypto.js");
for (const password of [plain, unicode, wide]) {
  line("better-auth", "better-auth", password, await betterAuth.hashPassword(password));
}
line("lucia", "lucia", wide, await new Scrypt().hash(wide));
line("lucia", "lucia", plain, await new LegacyScrypt().hash(plain));

const phc = require("@phc/pbkdf2");
for (const digest of ["sha1", "sha256", "sha512"]) {
  line("pbkdf2 phc", "@phc/pbkdf2", unicode, await phc.hash(unicode, { digest, iterations: 1000 }));
}

const identity = require("asp-identity-pw");
line("asp.net identity 2", "asp-identity-pw", unicode, identity.hashIdentityPasswordV2(unicode));
line("asp.net identity 3", "asp-identity-pw", unicode, identity.hashIdentityPasswordV3(unicode));
