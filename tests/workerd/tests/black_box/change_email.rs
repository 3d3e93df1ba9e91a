//! A change of address, from the request by way of the e-mails to what sessions from before it can
//! still do: in workerd, two guards hand the account over.

use std::thread;

use serde_json::{Value, json};
use tokenkeep_workerd_tests::client::{Answer, Tokens};

use crate::{
    mail::{NEW, PASSWORD, Stage, code_in, new_address},
    stage::leak,
};

/// An account that has left one address for another.
struct Moved {
    from: String,
    to: String,
    /// Two sessions from before.
    old: [Tokens; 2],
}

impl Stage {
    fn send_as(&self, session: &Tokens, path: &str, body: &Value) -> Answer {
        self.client().send_as(&session.access, "POST", path, body)
    }

    fn moved(&self) -> Moved {
        let (from, to) = (self.sign_up(), new_address());
        let old = [(); 2].map(|()| self.try_log_in(&from, PASSWORD).tokens());
        let body = json!({"password": PASSWORD, "newEmail": to});
        let answer = self.send_as(&old[0], "/auth/email/change", &body);
        assert_eq!((answer.status, answer.json()), (200, json!({"sent": true})));
        let mut mails = [self.provider.next().1, self.provider.next().1];
        // They are sent side by side.
        mails.sort_by_key(|mail| mail["to"] != json!([to]));
        let [with_code, notice] = mails;
        assert_eq!(
            (&with_code["to"], &notice["to"]),
            (&json!([to]), &json!([from]))
        );
        let code = json!({"code": code_in(&with_code["text"])});
        let me = self
            .send_as(&old[0], "/auth/email/change/confirm", &code)
            .json();
        assert_eq!(
            (&me["email"], &me["emailVerified"]),
            (&json!(to), &json!(true))
        );
        assert_eq!(me["id"], old[0].user.as_str());
        Moved { from, to, old }
    }

    fn change_password(&self, session: &Tokens, current: &str) -> Answer {
        let body = json!({"currentPassword": current, "newPassword": NEW});
        self.send_as(session, "/auth/password/change", &body)
    }

    #[track_caller]
    fn outlives(&self, session: &Tokens) {
        assert_eq!(self.client().refresh(&session.refresh).status, 200);
    }
}

#[test]
fn an_account_moves_to_the_address_that_its_code_was_sent_to() {
    let stage = Stage::by_resend();
    let Moved { from, to, old } = stage.moved();
    stage
        .try_log_in(&from, PASSWORD)
        .assert_error(401, "invalid_credentials");
    stage.outlives(&stage.try_log_in(&to, PASSWORD).tokens());
    for session in &old {
        stage.outlives(session);
    }
    let log = stage.workerd.log();
    assert_eq!(leak(&log), None);
    assert!(!log.contains(&from) && !log.contains(&to), "{log}");
}

#[test]
fn a_session_from_before_a_change_of_address_ends_all_sessions_there() {
    type Remedy = fn(&Stage, &Tokens) -> Answer;
    let remedies: [(Remedy, &str); 3] = [
        (
            |stage, old| stage.send_as(old, "/auth/logout/all", &json!({})),
            PASSWORD,
        ),
        (|stage, old| stage.change_password(old, PASSWORD), NEW),
        (
            |stage, old| stage.send_as(old, "/auth/me/delete", &json!({"password": PASSWORD})),
            "",
        ),
    ];
    let stage = Stage::by_resend();
    for (end_all, password) in remedies {
        let Moved {
            to,
            old: [old, other],
            ..
        } = stage.moved();
        let later = stage.try_log_in(&to, PASSWORD).tokens();
        assert_eq!(end_all(&stage, &old).status, 200);
        for ended in [&other, &later] {
            stage.client().assert_ended(ended);
        }
        let statuses = [PASSWORD, NEW].map(|tried| stage.try_log_in(&to, tried).status);
        let expected = [PASSWORD, NEW].map(|tried| if tried == password { 200 } else { 401 });
        assert_eq!(statuses, expected);
    }
}

#[test]
fn a_session_from_before_a_change_of_address_guesses_no_faster() {
    let stage = Stage::by_resend();
    let Moved {
        to,
        old: [old, other],
        ..
    } = stage.moved();
    thread::scope(|scope| {
        let wrong = || stage.change_password(&old, "wrong horse");
        let tries: Vec<_> = (0..10).map(|_| scope.spawn(wrong)).collect();
        for tried in tries {
            tried
                .join()
                .expect("an answer")
                .assert_error(403, "wrong_password");
        }
    });
    for right in [
        stage.change_password(&old, PASSWORD),
        stage.try_log_in(&to, PASSWORD),
    ] {
        right.assert_error(429, "too_many_attempts");
    }
    for session in [&old, &other] {
        stage.outlives(session);
    }
}
