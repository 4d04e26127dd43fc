//! What a client would find at the public address.

use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use serde::Deserialize;
use shared::client::{Account, Answer, Client, Identity, Request};
use shared::clock::Clock;
use shared::crypto::{X25519Pair, hash};
use shared::doctor::{Finding, Outside, Reached, Report, Sent, Transfer};
use shared::onion::Cipher;

use super::acceptable;
use super::target::Target;
use crate::cli::NAME;
use crate::settings::Settings;

/// The largest attachment that clients send.
const LARGE: usize = 10_000_000;

/// Within this time a server honours what a command has done.
const HEARING: Duration = Duration::from_millis(1500);

#[derive(Deserialize)]
struct Capabilities {
    capabilities: Vec<String>,
}

/// What matters of a room.
#[derive(Clone, Deserialize)]
struct Room {
    token: String,
    read: bool,
    write: bool,
    upload: bool,
}

#[derive(Deserialize)]
struct Uploaded {
    id: i64,
}

/// What is known about the server on this machine, if there is one.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) settings: Option<&'a Settings>,
    pub(super) key: Option<&'a X25519Pair>,
    /// How commands for it begin.
    pub(super) sogs: &'a str,
}

/// Looks at the address.
pub(super) async fn look(report: &mut Report, target: &Target, here: Here<'_>) {
    let Here {
        settings,
        key: own,
        sogs,
    } = here;
    let base = target.base.as_str().trim_end_matches('/');
    // The one of the configuration has been judged.
    if settings.is_none_or(|settings| settings.base_url() != base) {
        report.add(acceptable(base));
    }
    let own_key = own.map(|key| *key.public());
    let Some(key) = target.key.or(own_key) else {
        return report.add(Finding::error(
            "key",
            "The key of the server is not known, so nothing can be asked of it.",
            "Give a whole join link, in quotes: sogs doctor 'https://chat.example.org/lobby?public_key=…'",
        ));
    };
    let outside = Outside {
        program: NAME,
        kind: "community server",
        base: target.base.clone(),
        key,
        own_key,
        listen: settings.map_or_else(|| Settings::default().listen(), Settings::listen),
        probe: "/capabilities",
        is_kind: |answer| read::<Capabilities>(answer).is_some(),
        clock: Clock::system(),
    };
    let Some(reached) = outside.reach(report).await else {
        return;
    };
    let account = own.map_or_else(Account::generate, visitor);
    let visit = Visit {
        client: reached.client().with_cipher(Cipher::XChaCha20),
        signed: reached.client().with_cipher(Cipher::XChaCha20).with_account(
            account,
            Identity::Blinded,
            Clock::system(),
        ),
        reached,
        sogs,
    };
    report.add(visit.capabilities().await);
    let Some(mut rooms) = visit.rooms(report).await else {
        return;
    };
    if !rooms.iter().any(|room| target.names(&room.token)) {
        // The server may not have heard yet of one that was just made.
        tokio::time::sleep(HEARING).await;
        rooms = visit
            .visible()
            .await
            .ok()
            .and_then(|answer| read(&answer))
            .unwrap_or_default();
    }
    report.add(visit.room(target, &rooms).await);
    let size = settings.filter(|_| own_key == Some(key)).map_or(LARGE, |settings| {
        usize::try_from(settings.files.max_size.0).unwrap_or(LARGE).min(LARGE)
    });
    visit.transfer(report, target, &rooms, size).await;
}

/// The same throw-away account each time, so that looking often leaves one visitor behind and not many.
fn visitor(key: &X25519Pair) -> Account {
    Account::from_seed(&hash::blake2b_keyed(&[b"doctor"], key.secret().as_bytes()))
}

fn read<T: for<'a> Deserialize<'a>>(answer: &Answer) -> Option<T> {
    serde_json::from_slice(&answer.body)
        .ok()
        .filter(|_| answer.status == 200 || answer.status == 201)
}

struct Visit<'a> {
    reached: Reached,
    /// How commands for the server begin.
    sogs: &'a str,
    /// Unsigned, as Android joins.
    client: Client,
    signed: Client,
}

impl Visit<'_> {
    async fn capabilities(&self) -> Finding {
        const CHECK: &str = "capabilities";
        let answer = match self
            .reached
            .ask(&self.client, Request::new("GET", "/capabilities"))
            .await
        {
            Ok(answer) => answer,
            Err(reason) => return unanswered(CHECK, &reason),
        };
        let Some(Capabilities { capabilities }) = read(&answer) else {
            return unanswered(CHECK, &format!("{} was answered", answer.status));
        };
        let lacks: Vec<&str> = ["sogs", "blind", "reactions"]
            .into_iter()
            .filter(|wanted| !capabilities.iter().any(|has| has == wanted))
            .collect();
        match lacks.as_slice() {
            [] => Finding::ok(CHECK, "It can all that clients ask for."),
            ["blind"] => Finding::warning(
                CHECK,
                "It does not ask for blinded ids, so the accounts of people are seen by everybody.",
                "Set require_blind_keys = true in [users], or leave it out.",
            ),
            lacks => Finding::warning(
                CHECK,
                format!("It does not say that it can: {}.", lacks.join(", ")),
                "Use a newer server.",
            ),
        }
    }

    async fn visible(&self) -> Result<Answer, String> {
        self.reached.ask(&self.signed, Request::new("GET", "/rooms")).await
    }

    /// The rooms that a newcomer sees, if signed requests are accepted.
    async fn rooms(&self, report: &mut Report) -> Option<Vec<Room>> {
        const CHECK: &str = "signature";
        let answer = match self.visible().await {
            Ok(answer) => answer,
            Err(reason) => {
                report.add(unanswered(CHECK, &reason));
                return None;
            }
        };
        let rooms: Option<Vec<Room>> = read(&answer);
        report.add(match (&rooms, answer.status) {
            (Some(_), _) => Finding::ok(CHECK, "A request signed with a blinded id is accepted."),
            (None, 425) => Finding::error(
                CHECK,
                "A signed request is refused because of its time (425): the clocks differ by more than a day.",
                "Let both machines keep the time: sudo timedatectl set-ntp true",
            ),
            (None, status) => Finding::error(
                CHECK,
                format!("A request signed with a blinded id is answered with {status}."),
                "Look into the log of the server; is it one for other clients, or is this visitor banned?",
            ),
        });
        rooms
    }

    /// Whether a newcomer can see the room, as each client looks for it.
    async fn room(&self, target: &Target, rooms: &[Room]) -> Finding {
        const CHECK: &str = "room";
        let Some(token) = &target.room else {
            return match rooms {
                [] => Finding::warning(
                    CHECK,
                    "There is no room that a newcomer could see.",
                    format!(
                        "{0} room add lobby --name Lobby, or {0} room set TOKEN --allow ra for one that is hidden.",
                        self.sogs
                    ),
                ),
                [room] => Finding::ok(CHECK, format!("A newcomer sees one room, {}.", room.token)),
                rooms => Finding::ok(CHECK, format!("A newcomer sees {} rooms.", rooms.len())),
            };
        };
        match self
            .reached
            .ask(&self.client, Request::new("GET", &format!("/room/{token}")))
            .await
        {
            Ok(answer) if answer.status == 200 => {
                Finding::ok(CHECK, format!("The room {token} can be joined from every client."))
            }
            Ok(answer) if answer.status == 404 => Finding::error(
                CHECK,
                format!("There is no room {token}, or newcomers may not know of it."),
                format!(
                    "`{0} room list` lists the rooms with their links; `{0} room set {token} --allow ra` opens one. \
                     Hidden rooms cannot be joined from Android.",
                    self.sogs
                ),
            ),
            Ok(answer) => unanswered(CHECK, &format!("{} was answered", answer.status)),
            Err(reason) => unanswered(CHECK, &reason),
        }
    }

    /// A large file up and down again.
    async fn transfer(&self, report: &mut Report, target: &Target, rooms: &[Room], size: usize) {
        let open = |room: &&Room| room.read && room.write && room.upload;
        let named = |room: &&Room| target.room.is_some() && target.names(&room.token);
        let Some(room) = rooms
            .iter()
            .filter(open)
            .find(named)
            .or_else(|| rooms.iter().find(open))
        else {
            return report.add(Finding::skipped(
                "upload",
                "There is no room that a newcomer may upload into, so no file was sent.",
            ));
        };
        let mut bytes = vec![0; size];
        rand::rng().fill_bytes(&mut bytes);
        let bytes = Bytes::from(bytes);
        let Some(id) = self.upload(report, &room.token, bytes.clone()).await else {
            return;
        };
        let path = format!("/room/{}/file/{id}", room.token);
        let down = self.large("download", bytes.len());
        report.add(down.returns(Request::new("GET", &path), &bytes).await);
    }

    fn large<'a>(&'a self, check: &'static str, size: usize) -> Transfer<'a> {
        Transfer {
            reached: &self.reached,
            client: &self.signed,
            check,
            size,
        }
    }

    async fn upload(&self, report: &mut Report, token: &str, bytes: Bytes) -> Option<i64> {
        let up = self.large("upload", bytes.len());
        let request = Request::new("POST", &format!("/room/{token}/file"))
            .header("Content-Type", "application/octet-stream")
            .body(bytes);
        let (answer, elapsed) = match up.send(request).await {
            Sent::Stuck(finding) => {
                report.add(finding);
                return None;
            }
            Sent::Answered(answer, elapsed) => (answer, elapsed),
        };
        if let Some(Uploaded { id }) = read(&answer) {
            report.add(up.went_well("uploaded", elapsed));
            return Some(id);
        }
        report.add(up.turned_down(
            NAME,
            answer.status,
            "too many uploads within an hour; try again later",
            "it is busy, or its database or files cannot be reached",
        ));
        None
    }
}

fn unanswered(check: &'static str, reason: &str) -> Finding {
    Finding::error(
        check,
        format!("What was asked got no good answer: {reason}."),
        "Look into the log of the server; `sogs doctor` there says more.",
    )
}
