//! Verifiers and OAuth clients of others, as they are published, and the recipes of `docs/verify.md`,
//! as they stand there. Their scripts are in `tests/verifiers`; `cargo xtask test` installs the
//! packages.
#![cfg(unix)]

use std::{
    collections::BTreeMap,
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenkeep_workerd_tests::{
    client::{Client, Tokens, random_user},
    leash::Leash,
    project::{folder, node, python_in, temporary_folder},
    workerd::{SECRET_MARK, Settings, Workerd},
};

const PAGE: &str = include_str!("../../../docs/verify.md");

/// What the recipes have in the place of the worker's address.
const URL: &str = "https://tokenkeep.you.workers.dev";

/// The recipe in Rust: it has to be compiled.
#[path = "../../verifiers/recipe.rs"]
mod jsonwebtoken_recipe;

/// A worker that signs access tokens in one way.
struct Issuer {
    client: Client,
    algorithm: &'static str,
    /// The secret, or the private key.
    key: String,
    service_key: String,
}

/// One workerd for all tests, with a worker for each way.
static ISSUERS: LazyLock<(Workerd, Vec<Issuer>)> = LazyLock::new(|| {
    let keys = run(script("keys.mjs"), &[]);
    let keys: BTreeMap<String, String> = serde_json::from_str(&keys).expect("keys");
    let secret = format!("{SECRET_MARK}-for-access-tokens-of-HS256");
    let ways = [
        ("HS256", "access_token_secret", secret.as_str()),
        ("ES256", "access_token_private_key", &keys["ES256"]),
        ("RS256", "access_token_private_key", &keys["RS256"]),
    ];
    let settings = ways.map(|(_, name, key)| Settings::fresh().with(name, key));
    let workerd = Workerd::start(&settings);
    let issuers = ways.into_iter().zip(&settings).zip(&workerd.clients);
    let issuers = issuers.map(|(((algorithm, _, key), settings), client)| Issuer {
        client: client.clone(),
        algorithm,
        key: key.to_owned(),
        service_key: settings.service_key.clone(),
    });
    let issuers = issuers.collect();
    (workerd, issuers)
});

fn issuer(algorithm: &str) -> &'static Issuer {
    let mut issuers = ISSUERS.1.iter();
    issuers
        .find(|issuer| issuer.algorithm == algorithm)
        .expect("one of three")
}

fn with_public_keys() -> [&'static Issuer; 2] {
    ["ES256", "RS256"].map(issuer)
}

/// Tokens of one user that a verifier takes, and such that it does not.
struct Cases {
    user: String,
    good: Vec<String>,
    bad: BTreeMap<String, String>,
}

impl Issuer {
    fn log_in(&self) -> Tokens {
        let claims = json!({"email": "ada@example.com", "name": "Ada"});
        let session = json!({"userId": random_user(), "claims": claims});
        self.client.open_session(&session).tokens()
    }

    fn cases(&self) -> Cases {
        let login = self.log_in();
        let printed = run(
            script("bad_tokens.mjs"),
            &[
                ("TOKEN", &login.access),
                ("ALGORITHM", self.algorithm),
                ("KEY", &self.key),
            ],
        );
        let made: Value = serde_json::from_str(&printed).expect("tokens");
        let mut bad: BTreeMap<String, String> =
            serde_json::from_value(made["bad"].clone()).expect("texts");
        bad.insert("a refresh token".into(), login.refresh);
        let made = made["good"].as_str().expect("a token").to_owned();
        Cases {
            user: login.user,
            good: vec![login.access, made],
            bad,
        }
    }

    /// Runs a recipe of `docs/verify.md` with these tokens.
    fn runs_recipe(&self, language: &str, heading: &str, index: usize) {
        let here = temporary_folder();
        // Where Node.js looks for packages.
        symlink(verifiers("node_modules"), here.path().join("node_modules")).expect("a link");
        let name = if language == "js" {
            "recipe.mjs"
        } else {
            "recipe.py"
        };
        let file = here.path().join(name);
        fs::write(&file, self.recipe(language, heading, index)).expect("a temporary file");
        self.runs(&file);
    }

    /// Runs a script that names the user of a token.
    fn runs(&self, file: &Path) {
        let is_python = file.extension().is_some_and(|it| it == "py");
        let Cases { user, good, bad } = self.cases();
        let cases = json!({"user": user, "good": good, "bad": bad}).to_string();
        run(
            script(if is_python { "recipe.py" } else { "recipe.mjs" }),
            &[
                ("RECIPE", &file.to_string_lossy()),
                ("CASES", &cases),
                ("ACCESS_TOKEN_SECRET", &self.key),
                ("WORKER", &self.client.origin),
            ],
        );
    }

    /// A recipe, with the address of this worker.
    fn recipe(&self, language: &str, heading: &str, index: usize) -> String {
        let recipe = recipe(language, heading, index);
        assert!(recipe.contains(URL), "{heading}");
        recipe.replace(URL, &self.client.origin)
    }

    /// Runs an OAuth client as an app of a user who has logged in, and as an API.
    fn serves(&self, name: &str) {
        let login = self.log_in();
        run(
            script(name),
            &[
                ("WORKER", &self.client.origin),
                ("REFRESH_TOKEN", &login.refresh),
                ("USER_ID", &login.user),
                ("SERVICE_KEY", &self.service_key),
            ],
        );
    }
}

/// A recipe, as it stands in `docs/verify.md`.
fn recipe(language: &str, heading: &str, index: usize) -> &'static str {
    let (_, part) = PAGE
        .split_once(&format!("\n### {heading}\n"))
        .expect(heading);
    let part = part.split("\n## ").next().expect("a part");
    let part = part.split("\n### ").next().expect("a part");
    let fence = format!("\n```{language}\n");
    let block = part.split(&fence).nth(index + 1).expect("a block");
    block.split("```").next().expect("its end")
}

fn verifiers(name: &str) -> PathBuf {
    let path = folder().join("tests/verifiers").join(name);
    path.canonicalize()
        .unwrap_or_else(|error| panic!("{}: {error}; run: cargo xtask test", path.display()))
}

/// A script of `tests/verifiers`.
fn script(name: &str) -> Command {
    let program = if Path::new(name).extension().is_some_and(|it| it == "py") {
        python_in("target/verifiers/python")
    } else {
        node()
    };
    let mut command = Command::new(program);
    command.arg(verifiers(name));
    command
}

/// What a program prints that has to succeed.
fn run(mut command: Command, variables: &[(&str, &str)]) -> String {
    let output = command
        .envs(variables.iter().copied())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .expect("a program; run: cargo xtask test");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (told, problems) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{command:?}\n{told}{problems}");
    told
}

#[test]
fn jose_takes_the_tokens_that_it_should() {
    for issuer in with_public_keys() {
        issuer.runs_recipe("js", "Node.js, Deno, Bun", 0);
    }
    issuer("HS256").runs_recipe("js", "Node.js, Deno, Bun", 1);
}

#[test]
fn jsonwebtoken_with_jwks_rsa_takes_the_tokens_that_it_should() {
    for issuer in with_public_keys() {
        issuer.runs_recipe("js", "Express", 0);
    }
}

#[test]
fn pyjwt_takes_the_tokens_that_it_should() {
    for issuer in with_public_keys() {
        issuer.runs_recipe("python", "Python", 0);
    }
    issuer("HS256").runs_recipe("python", "Python", 1);
}

#[test]
fn authlib_takes_the_tokens_that_it_should() {
    for issuer in with_public_keys() {
        issuer.runs_recipe("python", "Python", 2);
    }
}

#[test]
fn strict_verifiers_of_rfc_9068_take_the_tokens_that_they_should() {
    for issuer in with_public_keys() {
        issuer.runs(&verifiers("oauth4webapi_validator.mjs"));
        issuer.runs(&verifiers("authlib_validator.py"));
    }
}

#[test]
fn jsonwebtoken_in_rust_takes_the_tokens_that_it_should() {
    assert_eq!(
        recipe("rust", "Rust", 0),
        include_str!("../../verifiers/recipe.rs"),
        "the document and the file that is compiled are the same"
    );
    let keys = run(script("keys.mjs"), &[]);
    let keys: BTreeMap<String, String> = serde_json::from_str(&keys).expect("keys");
    for algorithm in ["ES256", "RS256"] {
        let key = &keys[algorithm];
        // The recipe has its issuer compiled in.
        let settings = Settings::fresh().with("ISSUER", URL);
        let settings = settings.with("access_token_private_key", key);
        let workerd = Workerd::start(std::slice::from_ref(&settings));
        let issuer = Issuer {
            client: workerd.clients[0].clone(),
            algorithm,
            key: key.clone(),
            service_key: settings.service_key.clone(),
        };
        let published = issuer.client.get("/.well-known/jwks.json").json();
        let published = serde_json::from_value(published).expect("a JWK set");
        let user_of = |token: &str| jsonwebtoken_recipe::user_of(token, &published);
        let cases = issuer.cases();
        for token in &cases.good {
            assert_eq!(user_of(token).expect("a good token"), cases.user);
        }
        for (name, token) in &cases.bad {
            assert!(user_of(token).is_err(), "a token that is {name} passed");
        }
    }
}

#[test]
fn openid_client_discovers_refreshes_asks_and_revokes() {
    for algorithm in ["HS256", "ES256", "RS256"] {
        issuer(algorithm).serves("openid_client.mjs");
    }
}

#[test]
fn oauth4webapi_discovers_refreshes_asks_and_revokes() {
    for algorithm in ["HS256", "ES256", "RS256"] {
        issuer(algorithm).serves("oauth4webapi.mjs");
    }
}

#[test]
fn authlib_refreshes_asks_and_revokes() {
    issuer("ES256").serves("authlib_client.py");
}

/// The status of a request with this token.
fn status(url: &str, token: Option<&str>) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut request = agent.get(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.call().expect("an answer").status().as_u16()
}

impl Cases {
    /// Good tokens get to the page, and bad ones do not.
    fn open(&self, url: &str, except: &[&str]) {
        for token in &self.good {
            assert_eq!(status(url, Some(token)), 200, "{url}");
        }
        assert_eq!(status(url, None), 401);
        for (name, token) in &self.bad {
            let refused = [401, 403].contains(&status(url, Some(token)));
            assert!(refused || except.contains(&name.as_str()), "{name}");
        }
    }
}

#[test]
fn a_worker_with_jose_takes_the_tokens_that_it_should() {
    for issuer in with_public_keys() {
        let here = temporary_folder();
        let (source, bundle) = (here.path().join("api.mjs"), here.path().join("bundle.mjs"));
        fs::write(&source, issuer.recipe("js", "Cloudflare Workers", 0)).expect("a file");
        let mut esbuild = Command::new(folder().join("node_modules/.bin/esbuild"));
        esbuild
            .env("NODE_PATH", verifiers("node_modules"))
            .args(["--bundle", "--format=esm", "--log-level=error"])
            .arg(format!("--outfile={}", bundle.display()))
            .arg(&source);
        run(esbuild, &[]);
        let start = |internet| {
            let settings = Settings::fresh().with_script(&bundle, "SESSIONS");
            Workerd::start(&[settings.with_internet(internet)])
        };
        let api = start(issuer.client.port);
        let cases = issuer.cases();
        cases.open(&api.clients[0].origin, &[]);
        // Keys that are not to be had say nothing about a token: here whoever has them answers 401.
        let without_keys = start(api.clients[0].port);
        let url = &without_keys.clients[0].origin;
        assert_eq!(status(url, Some(&cases.good[0])), 500);
    }
}

/// Apache with `mod_auth_openidc` in front of a page.
#[cfg(target_os = "linux")]
struct Apache {
    leash: Leash,
    _folder: TempDir,
    public_key: String,
    secret: String,
    asking: String,
}

#[cfg(target_os = "linux")]
impl Apache {
    fn start(public_key: &Issuer, secret: &Issuer) -> Self {
        let folder = temporary_folder();
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("a temporary file");
        };
        let with_keys = public_key.recipe("apache", "Apache", 0);
        let jwks = format!("{}/.well-known/jwks.json", public_key.client.origin);
        let by_document = with_keys.replace(
            &format!("OIDCOAuthVerifyJwksUri {jwks}"),
            "OIDCOAuthServerMetadataURL ${DOCUMENTS}/keys.json",
        );
        assert_ne!(by_document, with_keys);
        write("public_key.conf", &by_document);
        write("secret.conf", &secret.recipe("apache", "Apache", 1));
        let pages = folder.path().join("pages");
        fs::create_dir(&pages).expect("a temporary folder");
        write("pages/index.html", "the page");
        let keys = json!({"issuer": public_key.client.origin, "jwks_uri": jwks});
        write("pages/keys.json", &keys.to_string());
        let origin = &secret.client.origin;
        let endpoint = format!("{origin}/oauth/introspect");
        let introspection = json!({"issuer": origin, "introspection_endpoint": endpoint});
        write("pages/introspection.json", &introspection.to_string());
        readable_by_all(folder.path());
        let ports = [(); 4].map(|()| free_port());
        let (root, libraries) = apache();
        let leash = Leash::start(|command| {
            command
                .arg(root.join("usr/sbin/apache2"))
                .args(["-D", "FOREGROUND", "-f"])
                .arg(verifiers("apache.conf"))
                .env("LD_LIBRARY_PATH", libraries)
                .env("MODULES", root.join("usr/lib/apache2/modules"))
                .env("FOLDER", folder.path())
                .env("PUBLIC_KEY_PORT", ports[0].to_string())
                .env("SECRET_PORT", ports[1].to_string())
                .env("ASKING_PORT", ports[2].to_string())
                .env("DOCUMENTS_PORT", ports[3].to_string())
                .env("ACCESS_TOKEN_SECRET", &secret.key)
                .env("SERVICE_KEY", &secret.service_key);
        });
        let urls = ports.map(|port| {
            wait_for(port, &leash);
            format!("http://127.0.0.1:{port}/index.html")
        });
        let [public_key, secret, asking, _] = urls;
        Self {
            leash,
            _folder: folder,
            public_key,
            secret,
            asking,
        }
    }
}

/// Shows what Apache printed when a test fails.
#[cfg(target_os = "linux")]
impl Drop for Apache {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("Apache printed:\n{}", self.leash.log());
        }
    }
}

/// Apache reads pages as somebody else when root has started it.
#[cfg(target_os = "linux")]
fn readable_by_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("our folder");
}

#[cfg(target_os = "linux")]
fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.local_addr().expect("an address").port()
}

#[cfg(target_os = "linux")]
fn wait_for(port: u16, leash: &Leash) {
    let start = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let log = leash.log();
        assert!(start.elapsed() < Duration::from_secs(30), "Apache: {log}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Where Apache is, and its libraries: in the system, or unpacked.
#[cfg(target_os = "linux")]
fn apache() -> (PathBuf, PathBuf) {
    let module = "usr/lib/apache2/modules/mod_auth_openidc.so";
    let unpacked = folder().join("target/verifiers/apache/root");
    let roots = [PathBuf::from("/"), unpacked];
    let root = roots.into_iter().find(|root| root.join(module).exists());
    let root = root.expect("Apache with mod_auth_openidc is not installed; run: cargo xtask test");
    let root = root.canonicalize().expect("it exists");
    let triplet = format!("usr/lib/{}-linux-gnu", env::consts::ARCH);
    let libraries = root.join(triplet);
    (root, libraries)
}

#[test]
#[cfg(target_os = "linux")]
fn apache_takes_the_tokens_that_it_should() {
    let (es256, hs256) = (issuer("ES256"), issuer("HS256"));
    let apache = Apache::start(es256, hs256);
    es256.cases().open(&apache.public_key, &[]);
    hs256.cases().open(&apache.secret, &[]);

    // Tokenkeep knows its own tokens by the key alone: its addresses are many.
    let foreign_names = ["of another issuer", "for another audience"];
    hs256.cases().open(&apache.asking, &foreign_names);
    let login = hs256.log_in();
    assert_eq!(status(&apache.asking, Some(&login.access)), 200);
    assert_eq!(hs256.client.log_out(&login.refresh).status, 200);
    assert_eq!(status(&apache.asking, Some(&login.access)), 401);
    assert_eq!(status(&apache.secret, Some(&login.access)), 200);
}
