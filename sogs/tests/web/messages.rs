//! What is shown of messages, and what never is.

use serde_json::json;
use sogs::settings::Settings;

use super::in_process::{START, Server, Stores};
use super::wire::{bytes, data_message, number, posted, said};
use super::{answering, lobby, page, post, post_with, say, upload};

on_both_stores!(
    a_message_is_shown_with_its_author_its_time_and_its_reactions,
    a_quote_is_looked_up_and_not_believed,
    what_not_everybody_may_see_is_not_shown_and_not_quoted,
    files_are_linked_only_if_they_belong_to_the_message,
    no_id_is_shown_anywhere,
);

/// Milliseconds of the moment at which tests begin.
const START_MS: u64 = START.unsigned_abs() * 1000;

async fn a_message_is_shown_with_its_author_its_time_and_its_reactions(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    lobby(&server).await;
    let (ann, bob) = (server.user().await, server.user().await);
    let id = say(&ann, "Ann", "Hello, see https://example.org/a?b=1&c=2.").await;
    for person in [&ann, &bob] {
        assert_eq!(
            person
                .put(&format!("/room/lobby/reaction/{id}/🍍"), &json!({}))
                .await
                .status,
            200
        );
    }
    let shown = page(&server, "/r/lobby/").await;
    for part in [
        &format!("<li id=\"m{id}\""),
        "<bdi>Ann</bdi>",
        "<time datetime=\"2023-11-14T22:13:20Z\">22:13</time>",
        "<time datetime=\"2023-11-14\">2023-11-14</time>",
        "Hello, see <a href=\"https://example.org/a?b=1&#38;c=2\" rel=\"noopener noreferrer nofollow ugc\">",
        "<bdi>🍍</bdi> 2</li>",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains("edited"));

    server.pass(60);
    let edit = json!({
        "data": base64(&said("Better so")),
        "signature": base64(&[0; 64]),
    });
    assert_eq!(ann.put(&format!("/room/lobby/message/{id}"), &edit).await.status, 200);
    let shown = page(&server, "/r/lobby/").await;
    assert!(
        shown.contains("Better so") && shown.contains("edited") && !shown.contains("Hello"),
        "{shown}"
    );
    // A message without a name.
    assert!(shown.contains("<bdi>Somebody</bdi>"), "{shown}");
}

async fn a_quote_is_looked_up_and_not_believed(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    lobby(&server).await;
    let (ann, bob) = (server.user().await, server.user().await);
    // Two at the same moment.
    let first = say(&ann, "Ann", "from Ann").await;
    let second = say(&bob, "Bob", "from Bob").await;
    server.pass(1);
    let third = say(&ann, "Ann", "alone").await;
    server.pass(1);
    for (moment, author, text, expected) in [
        (START_MS, ann.id.as_str(), "to Ann", Some((first, "Ann", "from Ann"))),
        (START_MS, bob.id.as_str(), "to Bob", Some((second, "Bob", "from Bob"))),
        (
            START_MS + 1000,
            "05 something else",
            "to the only one",
            Some((third, "Ann", "alone")),
        ),
        (START_MS, "05 something else", "to either", None),
        (START_MS + 1, ann.id.as_str(), "to nothing", None),
        (u64::MAX, ann.id.as_str(), "to the end of time", None),
    ] {
        let id = post(&ann, &answering(moment, author, text)).await;
        let shown = page(&server, "/r/lobby/").await;
        let quote = message(&shown, id);
        match expected {
            Some((id, name, words)) => {
                assert!(
                    quote.contains(&format!("#m{id}\"><b><bdi>{name}</bdi>")),
                    "{text}: {quote}"
                );
                assert!(quote.contains(words), "{text}: {quote}");
            }
            None => assert!(quote.contains("is not there."), "{text}: {quote}"),
        }
        assert!(!shown.contains("what the answer claims"), "{shown}");
    }
}

async fn what_not_everybody_may_see_is_not_shown_and_not_quoted(stores: Stores) {
    let cyrillic = |settings: &mut Settings| {
        settings.filters = toml::from_str("alphabet_filters = [\"cyrillic\"]").unwrap();
    };
    let Some(server) = Server::start_with(stores, cyrillic).await else {
        return;
    };
    let room = lobby(&server).await;
    let (ann, moderator) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, true).await;

    post_with(&moderator, &said("psst"), &json!({ "whisper_to": ann.id })).await;
    server.pass(1);
    post_with(&moderator, &said("between us"), &json!({ "whisper_mods": true })).await;
    server.pass(1);
    say(&ann, "Ann", "привет").await;
    server.pass(1);
    let deleted = say(&ann, "Ann", "never mind").await;
    server.pass(1);
    let shown = page(&server, "/r/lobby/").await;
    assert!(shown.contains("never mind"));
    assert_eq!(ann.delete(&format!("/room/lobby/message/{deleted}")).await.status, 200);

    let mut answers = Vec::new();
    for second in 0..4 {
        let author = if second < 2 { &moderator.id } else { &ann.id };
        answers.push(post(&ann, &answering(START_MS + second * 1000, author, "what?")).await);
    }
    let shown = page(&server, "/r/lobby/").await;
    for hidden in ["psst", "between us", "привет", "never mind"] {
        assert!(!shown.contains(hidden), "{hidden} is in {shown}");
    }
    for (answer, reason) in answers.iter().zip(["not shown", "not shown", "not shown", "deleted"]) {
        let quote = message(&shown, *answer);
        assert!(
            quote.contains(&format!("The message that this answers {}.", is(reason))),
            "{quote}"
        );
    }
}

fn is(reason: &str) -> String {
    if reason == "deleted" {
        "was deleted".to_owned()
    } else {
        format!("is {reason}")
    }
}

async fn files_are_linked_only_if_they_belong_to_the_message(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    lobby(&server).await;
    let ann = server.user().await;
    let file = upload(&ann, "plan.txt", "0123456789").await;
    let other = upload(&ann, "other.txt", "0123456789").await;
    let attached = |file: i64, room: &str, key: &[u8]| {
        let pointer = [
            bytes(2, "text/plain"),
            bytes(3, key),
            number(4, 99),
            bytes(7, "claimed.txt"),
            bytes(101, format!("http://chat.example.org/room/{room}/file/{file}")),
        ];
        posted(&[data_message("see", Some("Ann")), bytes(2, pointer.concat())].concat())
    };
    let files = json!({ "files": [file.to_string()] });
    let good = post_with(&ann, &attached(file, "lobby", b""), &files).await;
    let foreign = post(&ann, &attached(other, "lobby", b"")).await;
    let elsewhere = post(&ann, &attached(file, "other", b"")).await;
    let again = post(&ann, &attached(file, "lobby", b"")).await;
    let encrypted = upload(&ann, "secret", "0123456789").await;
    let files = json!({ "files": [encrypted.to_string()] });
    let sealed = post_with(&ann, &attached(encrypted, "lobby", b"key"), &files).await;

    let shown = page(&server, "/r/lobby/").await;
    let linked = message(&shown, good);
    let link = format!("<a href=\"/room/lobby/file/{file}\" download rel=\"nofollow\"><bdi>plan.txt</bdi></a>");
    assert!(linked.contains(&link) && linked.contains("10 B"), "{linked}");
    assert_eq!(server.get(&format!("/room/lobby/file/{file}")).await.body, "0123456789");
    for (id, note) in [
        (foreign, "no longer there"),
        (elsewhere, "not on this server"),
        (again, "no longer there"),
        (sealed, "encrypted, opens only in Session"),
    ] {
        let hint = message(&shown, id);
        assert!(
            !hint.contains("href=\"/room/") && hint.contains("<bdi>claimed.txt</bdi>"),
            "{hint}"
        );
        assert!(hint.contains(note), "{hint}");
    }

    // Attachments live for 15 days.
    server.pass(15 * 86_400);
    let shown = page(&server, "/r/lobby/").await;
    assert!(message(&shown, good).contains("no longer there"), "{shown}");
    assert!(!shown.contains("/file/"), "{shown}");
}

async fn no_id_is_shown_anywhere(stores: Stores) {
    let Some(server) = Server::start(stores).await else {
        return;
    };
    let room = lobby(&server).await;
    let (ann, bob) = (server.user().await, server.user().await);
    server.appoint(room, &bob, true).await;
    let account = ann.account.session_id().to_string();
    for id in [&ann.id, &bob.id, &account, &ann.id.to_uppercase()] {
        let text = format!("@{id} or {id}, https://example.org/{id} and http://{id}.example.org");
        say(&ann, &format!("I am {id}"), &text).await;
        let pointer = [bytes(7, id), bytes(11, id), bytes(101, id)].concat();
        let preview = [bytes(1, format!("https://example.org/{id}")), bytes(2, id)].concat();
        let more = [bytes(2, pointer), bytes(10, &preview), data_message("x", Some("Ann"))].concat();
        post(&ann, &posted(&more)).await;
        post(&bob, &answering(START_MS, id, id)).await;
    }
    let text = sogs::store::RoomChange {
        name: Some(format!("Room of {}", ann.id)),
        description: Some(Some(format!("Write to {account}"))),
        ..Default::default()
    };
    super::change(&server, room, text).await;
    let reacted = say(&ann, "Ann", &format!("hello @{}", bob.id)).await;
    bob.put(&format!("/room/lobby/reaction/{reacted}/👍"), &json!({})).await;
    let feed = server.get("/r/lobby/feed.atom").await;
    let feed = String::from_utf8(feed.body.to_vec()).unwrap();
    let shown = [page(&server, "/").await, page(&server, "/r/lobby/").await, feed];
    for text in &shown {
        let text = text.to_lowercase();
        for id in [&ann.id, &bob.id, &account] {
            // Not even the beginning of one.
            assert!(!text.contains(&id[2..18]), "{text}");
        }
    }
    assert!(shown[1].contains("hello @Quoter"), "{}", shown[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_stays_text() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    say(
        &ann,
        "<script>n()</script>",
        "<img src=x onerror=t()> \"quoted\" & 'so'",
    )
    .await;
    let file = [bytes(7, "<i>.png"), bytes(11, "<u>caption")].concat();
    let previews = [
        [bytes(1, "javascript:alert(1)"), bytes(2, "harmless")].concat(),
        [bytes(1, "https://example.org/\" onclick=\"x"), bytes(2, "<b>title")].concat(),
    ];
    let invitation = [
        bytes(1, "https://chat.example.net/room?public_key=00"),
        bytes(3, "<s>room"),
    ]
    .concat();
    let message = [
        bytes(2, file),
        bytes(10, &previews[0]),
        bytes(10, &previews[1]),
        bytes(102, invitation),
        data_message("", Some("Ann")),
    ];
    post(&ann, &posted(&message.concat())).await;
    let shown = page(&server, "/r/lobby/").await;
    for raw in [
        "<script",
        "<img",
        "<i>.png",
        "<u>",
        "<b>title",
        "<s>room",
        "javascript:",
        "onclick=\"",
    ] {
        assert!(!shown.contains(raw), "{raw} is in {shown}");
    }
    for escaped in [
        "&#60;script&#62;n()&#60;/script&#62;",
        "&#60;img src=x onerror=t()&#62; &#34;quoted&#34; &#38; &#39;so&#39;",
        "&#60;i&#62;.png",
        "&#60;u&#62;caption",
        "&#60;b&#62;title",
        "&#60;s&#62;room",
    ] {
        assert!(shown.contains(escaped), "{escaped} is not in {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_says_so_and_what_says_nothing_is_left_out() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    let unreadable = post(&ann, b"no message at all").await;
    let typing = post(&ann, &super::wire::pad(bytes(6, "typing"))).await;
    let shown = page(&server, "/r/lobby/").await;
    assert!(
        message(&shown, unreadable).contains("This message cannot be shown here."),
        "{shown}"
    );
    assert!(!shown.contains(&format!("id=\"m{typing}\"")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_cut() {
    let server = Server::start(Stores::Embedded).await.unwrap();
    lobby(&server).await;
    let ann = server.user().await;
    say(&ann, &"N".repeat(1000), &"x".repeat(20_000)).await;
    let shown = page(&server, "/r/lobby/").await;
    assert!(
        shown.contains(&format!("{}… <i>(more in Session)</i>", "x".repeat(4000))),
        "{shown}"
    );
    assert!(!shown.contains(&"x".repeat(4001)));
    assert!(shown.contains(&format!("<bdi>{}…</bdi>", "N".repeat(64))), "{shown}");
}

/// The part of a page that is about one message.
fn message(page: &str, id: i64) -> String {
    let (_, rest) = page.split_once(&format!("<li id=\"m{id}\"")).unwrap();
    rest.split("</article>").next().unwrap().to_owned()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
