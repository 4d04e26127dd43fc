//! What a client would find at the public address.

use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use shared::client::{Answer, Request};
use shared::clock::Clock;
use shared::crypto::X25519Public;
use shared::doctor::{Finding, Outside, Report, Sent, Transfer};
use shared::onion::Cipher;
use url::Url;

use crate::cli::NAME;
use crate::remote::Uploaded;
use crate::settings::Settings;

/// The largest file that clients send.
const LARGE: usize = 10_000_000;

/// How long the file lives.
pub(in crate::cli) const LIFE: Duration = Duration::from_secs(60);

/// Looks at the address. `given` is the key that was named, `own` the one of the server on this machine.
pub(super) async fn look(
    report: &mut Report,
    base: Url,
    given: Option<X25519Public>,
    own: Option<X25519Public>,
    settings: &Settings,
) {
    let Some(key) = given.or(own) else {
        return report.add(Finding::error(
            "key",
            "The key of the server is not known, so nothing can be asked of it.",
            "Name it with --key; `fileserver key show` prints it on the server.",
        ));
    };
    let outside = Outside {
        program: NAME,
        kind: "file server",
        base,
        key,
        own_key: own,
        listen: settings.listen(),
        // No file can be called so, which every file server says in the same words.
        probe: "/file/-/info",
        is_kind: is_file_server,
        clock: Clock::system(),
    };
    let Some(reached) = outside.reach(report).await else {
        return;
    };
    let client = reached.client().with_cipher(Cipher::XChaCha20);
    let mut size = LARGE;
    if own == Some(key) {
        size = size.min(usize::try_from(settings.files.max_size.0).unwrap_or(LARGE));
    }
    let mut bytes = vec![0; size];
    rand::rng().fill_bytes(&mut bytes);
    let bytes = Bytes::from(bytes);
    let transfer = |check| Transfer {
        reached: &reached,
        client: &client,
        check,
        size,
    };
    let Some(id) = upload(report, &transfer("upload"), bytes.clone()).await else {
        return;
    };
    let download = Request::new("GET", &format!("/file/{id}"));
    report.add(transfer("download").returns(download, &bytes).await);
}

/// Every refusal of a file server is this JSON (`file-server.md` section 1).
fn is_file_server(answer: &Answer) -> bool {
    #[derive(serde::Deserialize)]
    struct Refusal {
        status_code: u16,
    }
    let refusal = serde_json::from_slice::<Refusal>(&answer.body);
    refusal.is_ok_and(|refusal| refusal.status_code == answer.status)
}

async fn upload(report: &mut Report, transfer: &Transfer<'_>, bytes: Bytes) -> Option<String> {
    let request = Request::new("POST", "/file")
        .header("X-FS-TTL", &LIFE.as_secs().to_string())
        .body(bytes);
    let (answer, elapsed) = match transfer.send(request).await {
        Sent::Stuck(finding) => {
            report.add(finding);
            return None;
        }
        Sent::Answered(answer, elapsed) => (answer, elapsed),
    };
    match serde_json::from_slice::<Uploaded>(&answer.body) {
        Ok(uploaded) if answer.status == 200 => {
            report.add(transfer.went_well("uploaded", elapsed));
            Some(uploaded.id)
        }
        _ => {
            report.add(transfer.turned_down(
                NAME,
                answer.status,
                "its allowance for uploads is spent; try again in a minute",
                "it is busy, its quota is full, or its database or files cannot be reached",
            ));
            None
        }
    }
}
