//! Who one is, which communities one knows, and how one gets there.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use e2e::{eventually, sogs_binary};
use serde_json::json;

use super::{Moderator, link, start, text};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

const LINK: &str =
    "https://example.org/Sudoku?public_key=6a32c7b491f4199dd1260a4cc60ae51c6bd71dad939cc521e738409f53f943be";

#[test]
fn an_account_comes_from_a_phrase_in_a_file_that_nobody_else_can_read() {
    let moderator = Moderator::stranger();
    let id = moderator.account.session_id().to_string();
    let open = moderator.file("open", &moderator.phrase, 0o640);
    let complaint = moderator.fails(1, &["identity", "add", "--from", &open]);
    assert!(complaint.contains("chmod 600"), "{complaint}");
    let closed = moderator.file("closed", &moderator.phrase.to_uppercase(), 0o600);
    assert_eq!(
        moderator.done(&["identity", "add", "--from", &closed]),
        format!("{id}\n")
    );

    let folder = moderator.home().join(".config/sogs-remote");
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("identity")), 0o600);
    assert_eq!(moderator.json(&["identity", "show"])["id"], json!(id));
    // What is kept is the seed.
    let kept = fs::read_to_string(folder.join("identity")).unwrap();
    assert_eq!(kept, format!("{}\n", hex::encode(*moderator.account.pair().seed())));

    let complaint = moderator.fails(1, &["identity", "new"]);
    assert!(complaint.contains("there is an account already"), "{complaint}");
    fs::set_permissions(folder.join("identity"), fs::Permissions::from_mode(0o604)).unwrap();
    let complaint = moderator.fails(1, &["identity", "show"]);
    assert!(complaint.contains("chmod 600"), "{complaint}");
    moderator.fails(1, &["identity", "remove"]);
    moderator.done(&["identity", "remove", "--yes"]);
    let complaint = moderator.fails(1, &["identity", "show"]);
    assert!(complaint.contains("identity add"), "{complaint}");
}

#[test]
fn an_account_comes_through_a_pipe_the_environment_or_another_file() {
    let moderator = Moderator::stranger();
    let id = moderator.account.session_id().to_string();
    let mut adding = moderator.command(&["identity", "add", "--from", "-"]);
    let adding = adding
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut adding = adding.spawn().unwrap();
    writeln!(adding.stdin.take().unwrap(), "{}", moderator.phrase).unwrap();
    let output = adding.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), format!("{id}\n"), "{}", text(&output.stderr));

    let other = Moderator::stranger();
    let seed = hex::encode(*other.account.pair().seed());
    for secret in [&other.phrase, &seed] {
        let mut showing = moderator.command(&["identity", "show", "--json"]);
        let shown = showing.env("SOGS_REMOTE_IDENTITY", secret).output().unwrap();
        assert!(text(&shown.stdout).contains(&other.account.session_id().to_string()));
        assert!(!text(&shown.stdout).contains(secret.as_str()));
    }
    let file = moderator.file("seed", &seed, 0o600);
    let shown = moderator.json(&["identity", "show", "--identity", &file]);
    assert_eq!(shown["id"], json!(other.account.session_id().to_string()));
}

/// Whether what is typed into this terminal is shown.
fn echoes(terminal: &str) -> bool {
    let settings = Command::new("stty").args(["-a", "-F", terminal]).output().unwrap();
    assert!(settings.status.success(), "{}", text(&settings.stderr));
    !text(&settings.stdout).contains(" -echo ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phrase_is_asked_for_on_the_terminal_and_not_shown() {
    let moderator = Moderator::stranger();
    let id = moderator.account.session_id().to_string();
    let order = format!("tty > terminal; exec {} remote identity add", sogs_binary().display());
    // `script` plays the terminal, which repeats what is typed if nobody forbids it.
    let mut terminal = Command::new("script");
    let terminal = terminal
        .args(["--quiet", "--return", "--command", &order, "/dev/null"])
        .env("HOME", moderator.home())
        .current_dir(moderator.home())
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut terminal = terminal.spawn().unwrap();
    let mut shown = terminal.stdout.take().unwrap();
    let mut so_far = Vec::new();
    while !text(&so_far).contains("(it is not shown): ") {
        let mut byte = [0];
        std::io::Read::read_exact(&mut shown, &mut byte).unwrap();
        so_far.extend(byte);
    }
    let name = fs::read_to_string(moderator.home().join("terminal")).unwrap();
    eventually("what is typed is not shown", async || !echoes(name.trim())).await;
    let mut keys = terminal.stdin.take().unwrap();
    writeln!(keys, "{}", moderator.phrase).unwrap();
    std::io::Read::read_to_end(&mut shown, &mut so_far).unwrap();
    drop(keys);
    assert!(terminal.wait().unwrap().success(), "{}", text(&so_far));
    assert!(text(&so_far).contains(&id), "{}", text(&so_far));
    // Words of the phrase may be those of the program or of its paths; some of them in a row are not.
    let words: Vec<&str> = moderator.phrase.split(' ').collect();
    for row in words.windows(2) {
        assert!(!text(&so_far).contains(&row.join(" ")), "{}", text(&so_far));
    }
}

#[test]
fn a_bad_phrase_is_refused_without_being_repeated() {
    let (moderator, phrase) = loop {
        let moderator = Moderator::stranger();
        let phrase = moderator.phrase.clone();
        // These are among the words of the complaint itself.
        if !["phrases", "digit", "needed"]
            .iter()
            .any(|word| phrase.starts_with(word))
        {
            break (moderator, phrase);
        }
    };
    let (first, rest) = phrase.split_once(' ').unwrap();
    let wrong = format!("qqq{first} {rest}");
    let file = moderator.file("phrase", &wrong, 0o600);
    let complaint = moderator.fails(1, &["identity", "add", "--from", &file]);
    assert!(complaint.contains("word 1 is not one"), "{complaint}");
    assert!(!complaint.contains(first), "{complaint}");
    for arguments in [
        &["identity", "add", "vexed"][..],
        &["identity", "add", "vexed", "enjoy", "pigment"],
    ] {
        let complaint = moderator.fails(1, arguments);
        assert!(
            complaint.contains("command line") && !complaint.contains("vexed"),
            "{complaint}"
        );
    }
    let mut showing = moderator.command(&["identity", "show"]);
    let output = showing.env("SOGS_REMOTE_IDENTITY", &wrong).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains(first), "{}", text(&output.stderr));
    assert!(!moderator.home().join(".config").exists());
}

#[test]
fn communities_are_remembered_listed_and_forgotten() {
    let moderator = Moderator::stranger();
    let said = moderator.done(&["add", LINK]);
    assert_eq!(said, "remembered sudoku: the room Sudoku at https://example.org\n");
    let base64 = "https://chess.example.org/r/a?public_key=ajLHtJH0GZ3RJgpMxgrlHGvXHa2TnMUh5zhAn1P5Q74";
    moderator.done(&["add", base64, "--name", "Chess", "--proxy", "socks5://127.0.0.1:9050"]);
    let base32z = "https://example.org/r/Sudoku?public_key=pe3cxprt6oc35wjgbjgccnzfdti7q8pp1qqckex88byj6w93eq9y";
    moderator.done(&["add", base32z]);
    let expected = json!([
        {
            "name": "chess",
            "link": "https://chess.example.org/a?public_key=6a32c7b491f4199dd1260a4cc60ae51c6bd71dad939cc521e738409f53f943be",
            "room": "a",
            "proxy": "socks5://127.0.0.1:9050"
        },
        { "name": "sudoku", "link": LINK, "room": "Sudoku", "proxy": null }
    ]);
    assert_eq!(moderator.json(&["list"]), expected);
    let file = moderator.home().join(".config/sogs-remote/communities.toml");
    assert_eq!(mode(&file), 0o600);

    let complaint = moderator.fails(1, &["add", &LINK.replace("example.org", "example.com")]);
    assert!(complaint.contains("--name"), "{complaint}");
    moderator.done(&["identity", "new"]);
    let complaint = moderator.fails(1, &["room", "list"]);
    assert!(complaint.contains("--at NAME says so: chess, sudoku"), "{complaint}");
    let complaint = moderator.fails(1, &["room", "list", "--at", "go"]);
    assert!(complaint.contains("remembered as go"), "{complaint}");
    moderator.done(&["forget", "chess"]);
    moderator.fails(1, &["forget", "chess"]);
    assert_eq!(moderator.json(&["list"]), json!([expected[1]]));
    moderator.fails(2, &["add", "https://example.org/Sudoku"]);

    fs::write(&file, "[sudoku]\nurl = 3\n").unwrap();
    let complaint = moderator.fails(1, &["list"]);
    assert!(complaint.contains("communities.toml is malformed"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_talked_to_is_told_apart() {
    let Some((server, moderator)) = start(&[]).await else {
        return;
    };
    let good = link(&server, "a");
    moderator.done(&["room", "show", "--at", &good]);
    let other_key = good.replace(&server.key().to_string(), &"09".repeat(32));
    let complaint = moderator.fails(1, &["room", "show", "--at", &other_key]);
    assert!(complaint.contains("key is not the one in the link"), "{complaint}");
    let hidden = good.replace("/a?", "/hidden?");
    let complaint = moderator.fails(1, &["room", "show", "--at", &hidden]);
    assert!(complaint.contains("hidden from you"), "{complaint}");
    let nobody = good.replace(&format!(":{}/", server.address().port()), ":1/");
    let complaint = moderator.fails(1, &["room", "show", "--at", &nobody]);
    assert!(
        complaint.contains("cannot be reached, so nothing was done"),
        "{complaint}"
    );
    let complaint = moderator.fails(1, &["user", "ban", &moderator.id(&server), "--at", &nobody]);
    assert!(complaint.contains("nothing was done"), "{complaint}");
    let complaint = moderator.fails(1, &["room", "show", "--proxy", "socks5://127.0.0.1:1"]);
    assert!(complaint.contains("proxy"), "{complaint}");
    moderator.fails(2, &["room", "show", "--proxy", "http://127.0.0.1:1"]);
}
