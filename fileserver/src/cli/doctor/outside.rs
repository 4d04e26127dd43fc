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
        program: crate::cli::NAME,
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
    report.add(download(&transfer("download"), &id, &bytes).await);
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
            report.add(refused(answer.status));
            None
        }
    }
}

async fn download(transfer: &Transfer<'_>, id: &str, bytes: &Bytes) -> Finding {
    match transfer.send(Request::new("GET", &format!("/file/{id}"))).await {
        Sent::Stuck(finding) => finding,
        Sent::Answered(answer, elapsed) if answer.body == *bytes => transfer.went_well("downloaded", elapsed),
        Sent::Answered(answer, _) => Finding::error(
            "download",
            format!(
                "What was uploaded did not come back: {} with {} bytes.",
                answer.status,
                answer.body.len()
            ),
            "Look into the log of the server, and whether the proxy caches or changes answers.",
        ),
    }
}

/// An upload that the server itself refuses.
fn refused(status: u16) -> Finding {
    const CHECK: &str = "upload";
    let sentence = |why: &str| format!("The server refuses the file ({status}): {why}.");
    match status {
        413 => Finding::warning(
            CHECK,
            sentence("it is larger than the server takes, though apps send such"),
            "Set max_size = \"10 MB\" in [files], or leave it out.",
        ),
        429 => Finding::skipped(
            CHECK,
            sentence("its allowance for uploads is spent; try again in a minute"),
        ),
        507 => Finding::error(
            CHECK,
            sentence("too little is free on its disk"),
            "Make room on the disk of the server; `fileserver doctor` there says how much is free and how much must be.",
        ),
        503 => Finding::warning(
            CHECK,
            sentence("it is busy, its quota is full, or its database or files cannot be reached"),
            "Try again; `fileserver doctor` on the server, and its log, say more.",
        ),
        _ => Finding::error(CHECK, sentence("unexpectedly"), "Look into the log of the server."),
    }
}
