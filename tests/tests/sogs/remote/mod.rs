//! `sogs remote`: what a moderator does from elsewhere, as other people see it.

mod access;
mod lost;
mod messages;
mod people;
mod rooms;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::{Setup, Sogs, eventually, sogs_binary};
use serde_json::{Value, json};
use shared::client::Account;
use shared::crypto::{random, recovery_phrase};
use tempfile::TempDir;

use crate::people::{Person, number, with_json};
use crate::{knows, with_room};

/// Somebody who moderates from a machine of their own.
pub(crate) struct Moderator {
    /// Where their machine keeps what it remembers.
    home: TempDir,
    phrase: String,
    pub(crate) account: Account,
}

impl Moderator {
    /// Somebody whose machine knows nothing yet.
    pub(crate) fn stranger() -> Self {
        shared::crypto::init().unwrap();
        let seed = random();
        Self {
            home: tempfile::tempdir().unwrap(),
            phrase: recovery_phrase::encode(&seed).to_string(),
            account: Account::from_account_seed(&seed),
        }
    }

    /// Somebody who has said who they are and remembered a room of this server.
    pub(crate) fn of(server: &Sogs, room: &str) -> Self {
        let moderator = Self::stranger();
        let file = moderator.file("phrase", &moderator.phrase, 0o600);
        moderator.done(&["identity", "add", "--from", &file]);
        moderator.done(&["add", &link(server, room)]);
        moderator
    }

    /// A file on their machine, and its path.
    pub(crate) fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// `sogs remote` with these arguments, on their machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(sogs_binary());
        command
            .env_clear()
            .env("HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(std::process::Stdio::null())
            .arg("remote")
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        // Whatever happens, the phrase is told to nobody.
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        let words: Vec<&str> = self.phrase.split(' ').collect();
        assert!(!words.windows(2).any(|pair| said.contains(&pair.join(" "))), "{said}");
        output
    }

    /// What a command printed, which must go well.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The JSON that a command printed.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// What a command complained of, which must end with this code.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}{errors}",
            text(&output.stdout)
        );
        errors
    }

    /// The blinded id.
    pub(crate) fn id(&self, server: &Sogs) -> String {
        self.account.blinded_id(&server.key()).unwrap().to_string()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The link by which a room is joined.
pub(crate) fn link(server: &Sogs, room: &str) -> String {
    format!("http://{}/{room}?public_key={}", server.address(), server.key())
}

/// A server with the room `a`, and somebody who has this role in it or, with `--global`, everywhere.
pub(crate) async fn start(role: &[&str]) -> Option<(Sogs, Moderator)> {
    start_with("", role).await
}

pub(crate) async fn start_with(settings: &str, role: &[&str]) -> Option<(Sogs, Moderator)> {
    let server = Sogs::start(Setup::SqliteLocal, settings)?;
    with_room(&server, "a");
    knows(&server, "a").await;
    let moderator = Moderator::of(&server, "a");
    if !role.is_empty() {
        let id = moderator.account.session_id().to_string();
        let _ = server.run(&[&["mod", "add", &id], role].concat());
        eventually("the role counts", async || {
            moderator.json(&["room", "show"])["moderator"] == json!(true)
        })
        .await;
    }
    Some((server, moderator))
}

/// Writes a message as apps do and tells its number.
pub(crate) async fn writes(person: &Person, room: &str, text: &str, name: &str) -> i64 {
    let data = sogs::content::plain_text(text, name, 1_700_000_000_000);
    let body = json!({ "data": STANDARD.encode(data), "signature": STANDARD.encode([7; 64]) });
    number(
        &person
            .call(with_json("POST", &format!("/room/{room}/message"), &body))
            .await,
    )
}

/// The status of what somebody posts.
pub(crate) async fn tries_to_post(person: &Person, room: &str) -> u16 {
    person.say(room, "may I?").await.status
}
