//! A session from its start to its end. All other tests talk to workerd directly; here is what
//! depends on `wrangler dev`: its settings, its stores and its proxy.

use std::{
    process::{Command, Stdio},
    sync::LazyLock,
};

use rstest::rstest;
use serde_json::json;
use tokenkeep_workerd_tests::{
    client::USER_MARK,
    workerd::SessionsIn::{self, Kv, Objects},
    wrangler::{Project, Wrangler},
};

use crate::stage::{Stage, leak, use_sessions_in};

/// The worker as `cargo xtask dev` runs it, on a database that is empty at first.
fn shared() -> &'static (Project, Wrangler) {
    static SHARED: LazyLock<(Project, Wrangler)> = LazyLock::new(|| {
        let project = Project::new();
        let wrangler = project.start();
        (project, wrangler)
    });
    assert_eq!(leak(&SHARED.1.log()), None, "logged by some test");
    &SHARED
}

#[rstest]
fn a_session_lives_from_login_to_logout(#[values(Kv, Objects)] sessions: SessionsIn) {
    use_sessions_in(sessions);
    let client = Stage::shared().client();
    let user = format!("ada{USER_MARK}");
    let opened = client.open_session(&json!({
        "userId": user,
        "claims": {"role": "admin"},
        "device": "Ada's phone",
    }));
    let first = opened.tokens();
    assert_eq!(opened.json()["expiresIn"], 3600);

    let mut latest = first.clone();
    for _ in 0..5 {
        latest = client.refresh(&first.refresh).tokens();
        assert_eq!((&latest.user, &latest.session), (&user, &first.session));
    }

    let me = client.me(&latest.access);
    assert_eq!(me.status, 200, "{}", me.text);
    assert_eq!(me.json(), json!({"id": user, "claims": {"role": "admin"}}));

    let logged_out = client.log_out(&first.refresh);
    assert_eq!(logged_out.status, 200);
    assert_eq!(logged_out.json(), json!({"loggedOut": true}));

    for token in [&first.refresh, &latest.refresh] {
        client.refresh(token).assert_error(401, "session_revoked");
    }
    client
        .me(&latest.access)
        .assert_error(401, "session_revoked");
    assert_eq!(client.get("/health").status, 200);
}

#[test]
fn a_session_outlives_a_restart_of_wrangler() {
    let project = Project::new();
    let (alive, ended) = {
        let wrangler = project.start();
        let alive = wrangler.client.new_session();
        let ended = wrangler.client.new_session();
        assert_eq!(wrangler.client.log_out(&ended.refresh).status, 200);
        (alive, ended)
    };
    let wrangler = project.start();
    let refreshed = wrangler.client.refresh(&alive.refresh).tokens();
    assert_eq!(refreshed.session, alive.session);
    assert_eq!(wrangler.client.me(&alive.access).status, 200);
    wrangler
        .client
        .refresh(&ended.refresh)
        .assert_error(401, "session_revoked");
    assert_eq!(leak(&wrangler.log()), None);
}

#[test]
fn a_body_that_is_too_large_leaves_wrangler_s_connection_good() {
    let (_, wrangler) = shared();
    let client = &wrangler.client;
    let session = client.new_session();
    let body = json!({"refreshToken": session.refresh, "x": "x".repeat(20 * 1024)}).to_string();
    for _ in 0..6 {
        client
            .post_bytes("/auth/token", body.as_bytes())
            .assert_error(413, "payload_too_large");
        let _ = client.refresh(&session.refresh).tokens();
    }
}

/// The lines that the README asks people to paste. An interactive zsh runs lines that begin with
/// `#`, so there are none.
fn first_session_of_the_readme() -> String {
    const README: &str = include_str!("../../../../README.md");
    let section = README
        .split("\n## ")
        .find(|section| section.starts_with("A first session"));
    let blocks = section.expect("the section").split("```sh\n").skip(1);
    let lines: String = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(!lines.contains('#'), "{lines}");
    lines
}

#[test]
#[cfg(unix)]
fn the_first_session_of_the_readme_works_when_it_is_pasted() {
    let (project, wrangler) = shared();
    let here = format!("URL={}", wrangler.client.origin);
    let script = first_session_of_the_readme().replace("URL=http://127.0.0.1:8787", &here);
    assert!(script.contains(&here), "the README's address");

    let output = Command::new("bash")
        .args(["-e", "-c", &script])
        .current_dir(project.folder())
        .stdin(Stdio::null())
        .output()
        .expect("bash and curl, as the README asks for");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");

    let statuses: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.rsplit_once('}').map(|(_, status)| status.trim()))
        .collect();
    // The session is echoed without a status.
    assert_eq!(
        statuses,
        ["", "200", "200", "200", "200", "401", "401", "200"],
        "{printed}"
    );
    assert!(printed.contains(r#""code":"session_revoked""#), "{printed}");
}
