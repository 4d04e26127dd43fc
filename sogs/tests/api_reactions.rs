//! Reactions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod in_process;

use in_process::{Person, Server, Stores, json};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use shared::client::{Answer, Request};
use shared::run;
use sogs::model::{Override, RoomNo};
use sogs::store::{NewMessage, Write};

const THUMB: &str = "\u{1f44d}";
const FIRE: &str = "\u{1f525}";
const RED_HAIR: &str = "\u{1f468}\u{1f3ff}\u{200d}\u{1f9b0}";

on_both_stores!(
    a_reaction_is_counted_once_and_shown_with_who_reacted,
    a_reaction_is_removed_by_whoever_added_it,
    kinds_are_shown_in_the_order_of_their_first_use,
    the_first_to_react_are_named_up_to_a_number,
    any_short_text_is_a_reaction,
    paths_that_name_no_reaction_are_not_there,
    only_messages_that_everybody_sees_take_reactions,
    reacting_needs_reading_and_not_writing,
    everybody_may_add_so_many_reactions_a_minute,
    those_who_reacted_are_listed_with_their_times,
    moderators_clear_one_kind_or_all,
    a_message_takes_so_many_kinds_and_any_number_of_each,
    since_reports_reactions_only_to_those_who_ask,
    a_message_that_is_new_or_changed_is_reported_in_full,
    a_removed_reaction_is_reported,
);

async fn lobby(stores: Stores) -> Option<(Server, RoomNo, Person)> {
    let server = Server::start(stores).await?;
    let room = server.room("lobby").await;
    let author = server.user().await;
    Some((server, room, author))
}

async fn post(author: &Person) -> i64 {
    json(&author.say("lobby", "x").await)["id"].as_i64().unwrap()
}

fn path(kind: &str, message: i64, reaction: &str) -> String {
    let reaction = utf8_percent_encode(reaction, NON_ALPHANUMERIC);
    format!("/room/lobby/{kind}/{message}/{reaction}")
}

/// Reacts as most clients do: without a body.
async fn react(person: &Person, message: i64, reaction: &str) -> Answer {
    person
        .call(Request::new("PUT", &path("reaction", message, reaction)))
        .await
}

async fn unreact(person: &Person, message: i64, reaction: &str) -> Answer {
    person.delete(&path("reaction", message, reaction)).await
}

async fn reactions(person: &Person, message: i64, query: &str) -> Value {
    json(&person.get(&format!("/room/lobby/message/{message}{query}")).await)["reactions"].clone()
}

async fn since(person: &Person, seqno: i64, query: &str) -> Value {
    json(&person.get(&format!("/room/lobby/messages/since/{seqno}{query}")).await)
}

async fn a_reaction_is_counted_once_and_shown_with_who_reacted(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    let message = post(&author).await;
    let answer = react(&other, message, THUMB).await;
    assert_eq!(
        (answer.status, json(&answer)),
        (200, json!({ "added": true, "seqno": 2 }))
    );
    // With a body and with the emoji as it is.
    let again = other
        .put(&format!("/room/lobby/reaction/{message}/{THUMB}"), &json!({}))
        .await;
    assert_eq!(json(&again), json!({ "added": false, "seqno": 2 }));
    let seen = json!({ THUMB: { "index": 0, "count": 1, "reactors": [other.id] } });
    assert_eq!(reactions(&author, message, "").await, seen);
    let anonymous = json(&server.get("/room/lobby/messages/recent").await);
    assert_eq!((&anonymous[0]["reactions"], &anonymous[0]["seqno"]), (&seen, &json!(2)));
    let own = json!({ THUMB: { "index": 0, "count": 1, "reactors": [other.id], "you": true } });
    assert_eq!(reactions(&other, message, "").await, own);
    assert_eq!(json(&server.get("/room/lobby").await)["message_sequence"], 2);
}

async fn a_reaction_is_removed_by_whoever_added_it(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    let message = post(&author).await;
    react(&other, message, THUMB).await;
    for reaction in [THUMB, FIRE] {
        let nothing = unreact(&author, message, reaction).await;
        assert_eq!(json(&nothing), json!({ "removed": false, "seqno": 2 }));
    }
    let removed = unreact(&other, message, THUMB).await;
    assert_eq!(
        (removed.status, json(&removed)),
        (200, json!({ "removed": true, "seqno": 3 }))
    );
    assert_eq!(reactions(&author, message, "").await, json!({}));
}

async fn kinds_are_shown_in_the_order_of_their_first_use(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    let message = post(&author).await;
    for (person, reaction) in [(&author, FIRE), (&author, THUMB), (&other, THUMB), (&other, "a")] {
        react(person, message, reaction).await;
    }
    let order = async || {
        let answer = author.get(&format!("/room/lobby/message/{message}")).await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let kinds = reactions(&author, message, "").await;
        let mut kinds: Vec<(u64, u64, String)> = kinds
            .as_object()
            .unwrap()
            .iter()
            .map(|(kind, object)| {
                let number = |name: &str| object[name].as_u64().unwrap();
                (number("index"), number("count"), kind.clone())
            })
            .collect();
        kinds.sort();
        let at = |kind: &str| text.find(&format!("\"{kind}\":{{")).unwrap();
        assert!(kinds.windows(2).all(|two| at(&two[0].2) < at(&two[1].2)));
        kinds
    };
    let kind = |index, count, kind: &str| (index, count, kind.to_owned());
    assert_eq!(order().await, [kind(0, 1, FIRE), kind(1, 2, THUMB), kind(2, 1, "a")]);
    // One that was gone goes to the end.
    unreact(&author, message, FIRE).await;
    unreact(&author, message, THUMB).await;
    assert_eq!(order().await, [kind(0, 1, THUMB), kind(1, 1, "a")]);
    react(&other, message, FIRE).await;
    assert_eq!(order().await, [kind(0, 1, THUMB), kind(1, 1, "a"), kind(2, 1, FIRE)]);
}

async fn the_first_to_react_are_named_up_to_a_number(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    let mut ids = Vec::new();
    for _ in 0..21 {
        let person = server.user().await;
        server.pass(1);
        react(&person, message, THUMB).await;
        ids.push(person.id);
    }
    for (query, named) in [
        ("", 4),
        ("?reactors=5", 5),
        ("?reactors=1", 1),
        ("?reactors=20", 20),
        ("?reactors=21", 20),
        ("?reactors=99999999999999999999", 20),
    ] {
        let object = &reactions(&author, message, query).await[THUMB];
        assert_eq!(
            (&object["count"], &object["reactors"]),
            (&json!(21), &json!(ids[..named])),
            "{query}"
        );
    }
    for query in ["?reactors=0", "?reactors=-1"] {
        let expected = json!({ "index": 0, "count": 21 });
        assert_eq!(reactions(&author, message, query).await[THUMB], expected, "{query}");
    }
}

async fn any_short_text_is_a_reaction(stores: Stores) {
    let Some((_server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    let longest = FIRE.repeat(12);
    let texts = [
        RED_HAIR,
        "ok",
        "\u{2764}\u{fe0f}",
        "\u{2764}",
        "a b",
        "a/b",
        "a/",
        "a//b",
        "%",
        "?",
        "\"\\\n",
        "A",
        "a",
        &longest,
    ];
    for text in texts {
        let answer = react(&author, message, text).await;
        assert_eq!(
            (answer.status, &json(&answer)["added"]),
            (200, &json!(true)),
            "{text:?}"
        );
    }
    let all = reactions(&author, message, "").await;
    assert_eq!(all.as_object().unwrap().len(), texts.len());
    for (index, text) in texts.into_iter().enumerate() {
        assert_eq!(all[text]["index"], index, "{text:?}");
    }
    for text in [
        "a".repeat(13),
        format!("{FIRE}{longest}"),
        "a\0b".to_owned(),
        "\0".to_owned(),
    ] {
        for method in ["PUT", "DELETE"] {
            let answer = author
                .call(Request::new(method, &path("reaction", message, &text)))
                .await;
            assert_eq!(answer.status, 400, "{method} {text:?}");
        }
        assert_eq!(
            author.get(&path("reactors", message, &text)).await.status,
            400,
            "{text:?}"
        );
    }
}

async fn paths_that_name_no_reaction_are_not_there(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    server.appoint(room, &author, false).await;
    let message = post(&author).await;
    for (method, path) in [
        ("PUT", format!("/room/lobby/reaction/{message}")),
        ("PUT", format!("/room/lobby/reaction/{message}/")),
        ("PUT", format!("/room/lobby/reaction/{message}//a")),
        ("PUT", format!("/room/lobby/reaction/{message}/%2Fa")),
        ("PUT", "/room/lobby/reaction/-1/a".to_owned()),
        ("PUT", "/room/lobby/reaction/9223372036854775808/a".to_owned()),
        ("DELETE", format!("/room/lobby/reactions/{message}/")),
        ("DELETE", format!("/room/lobby/reactions/{message}//a")),
        ("GET", format!("/room/lobby/reactors/{message}/%2F")),
    ] {
        assert_eq!(
            author.call(Request::new(method, &path)).await.status,
            404,
            "{method} {path}"
        );
    }
}

async fn only_messages_that_everybody_sees_take_reactions(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    server.room("attic").await;
    let (moderator, number) = (server.user().await, server.number_of(&author).await);
    server.appoint(room, &moderator, false).await;
    let hidden = async |filtered, whisper, whisper_mods| {
        server
            .change(async |write: &mut Write| {
                let new = NewMessage {
                    room,
                    author: number,
                    data: b"x",
                    signature: &[7; 64],
                    whisper,
                    whisper_mods,
                    filtered,
                    limit: None,
                };
                write.post(&new).await.unwrap().id
            })
            .await
    };
    let deleted = post(&author).await;
    author.delete(&format!("/room/lobby/message/{deleted}")).await;
    let elsewhere = json(&author.say("attic", "x").await)["id"].as_i64().unwrap();
    let unfit = [
        hidden(true, None, false).await,
        hidden(false, Some(number), false).await,
        hidden(false, None, true).await,
        deleted,
        elsewhere,
        99_999,
    ];
    for message in unfit {
        assert_eq!(react(&moderator, message, "a").await.status, 404, "{message}");
        assert_eq!(unreact(&moderator, message, "a").await.status, 404, "{message}");
        assert_eq!(
            moderator.get(&path("reactors", message, "a")).await.status,
            404,
            "{message}"
        );
        assert_eq!(
            moderator.delete(&path("reactions", message, "a")).await.status,
            404,
            "{message}"
        );
        let all = format!("/room/lobby/reactions/{message}");
        assert_eq!(moderator.delete(&all).await.status, 404, "{message}");
    }
}

async fn reacting_needs_reading_and_not_writing(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    let (silent, blind, banned) = (server.user().await, server.user().await, server.user().await);
    let none = Override::default();
    let differences = [
        (
            &silent,
            Override {
                write: Some(false),
                ..none
            },
            200,
        ),
        (
            &blind,
            Override {
                read: Some(false),
                ..none
            },
            403,
        ),
        (&banned, Override { banned: true, ..none }, 403),
    ];
    for (person, difference, status) in differences {
        server.differ(room, &person.id, difference).await;
        assert_eq!(react(person, message, THUMB).await.status, status);
        assert_eq!(unreact(person, message, THUMB).await.status, status);
        assert_eq!(person.get(&path("reactors", message, THUMB)).await.status, status);
    }
    for (method, kind, status) in [
        ("PUT", "reaction", 401),
        ("DELETE", "reaction", 401),
        ("DELETE", "reactions", 401),
        ("GET", "reactors", 200),
    ] {
        let request = Request::new(method, &path(kind, message, THUMB));
        assert_eq!(
            server.anonymous().direct(request).await.unwrap().status,
            status,
            "{method} {kind}"
        );
    }
}

async fn everybody_may_add_so_many_reactions_a_minute(stores: Stores) {
    let Some(server) = Server::start_with(stores, |settings| settings.limits.reactions_per_minute = 3).await else {
        return;
    };
    let room = server.room("lobby").await;
    let (author, admin) = (server.user().await, server.user().await);
    server.appoint(room, &admin, true).await;
    let message = post(&author).await;
    for reaction in ["a", "b", "c"] {
        assert_eq!(react(&author, message, reaction).await.status, 200);
        assert_eq!(react(&admin, message, reaction).await.status, 200);
    }
    let refused = react(&author, message, "d").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("21")));
    assert_eq!(react(&admin, message, "d").await.status, 200);
    for reaction in ["a", "b", "c"] {
        assert_eq!(unreact(&author, message, reaction).await.status, 200);
    }
    server.pass(20);
    assert_eq!(react(&author, message, "d").await.status, 200);
    assert_eq!(react(&author, message, "e").await.status, 429);
}

async fn those_who_reacted_are_listed_with_their_times(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    let message = post(&author).await;
    react(&other, message, THUMB).await;
    let first = json!([other.id, server.now()]);
    server.pass(10);
    react(&author, message, THUMB).await;
    let second = json!([author.id, server.now()]);
    let list = async |query: &str| {
        json(
            &server
                .get(&format!("{}{query}", path("reactors", message, THUMB)))
                .await,
        )
    };
    for query in ["", "?limit=0", "?limit=-5", "?limit=2", "?limit=99999999999999999999"] {
        assert_eq!(list(query).await, json!([first, second]), "{query}");
    }
    assert_eq!(list("?limit=1").await, json!([first]));
    let unused = author.get(&path("reactors", message, FIRE)).await;
    assert_eq!(json(&unused), json!([]));
    let malformed = author
        .get(&format!("{}?limit=x", path("reactors", message, THUMB)))
        .await;
    assert_eq!(malformed.status, 400);
}

async fn moderators_clear_one_kind_or_all(stores: Stores) {
    let Some((server, room, author)) = lobby(stores).await else {
        return;
    };
    let (moderator, other) = (server.user().await, server.user().await);
    server.appoint(room, &moderator, false).await;
    let message = post(&author).await;
    for person in [&author, &other] {
        react(person, message, THUMB).await;
        react(person, message, FIRE).await;
    }
    let all = format!("/room/lobby/reactions/{message}");
    assert_eq!(author.delete(&all).await.status, 403);
    assert_eq!(author.delete(&path("reactions", message, THUMB)).await.status, 403);
    let cleared = moderator.delete(&path("reactions", message, THUMB)).await;
    assert_eq!(
        (cleared.status, json(&cleared)),
        (200, json!({ "removed": 2, "seqno": 7 }))
    );
    let left = reactions(&author, message, "?reactors=0").await;
    assert_eq!(left, json!({ FIRE: { "index": 0, "count": 2, "you": true } }));
    react(&author, message, "a").await;
    assert_eq!(
        json(&moderator.delete(&all).await),
        json!({ "removed": 3, "seqno": 11 })
    );
    assert_eq!(
        json(&moderator.delete(&all).await),
        json!({ "removed": 0, "seqno": 11 })
    );
    assert_eq!(reactions(&author, message, "").await, json!({}));
}

async fn a_message_takes_so_many_kinds_and_any_number_of_each(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    let mut tx = server.app().store.database().write().await.unwrap();
    for kind in 0..200 {
        let add = "INSERT INTO reactions (message, reaction) VALUES ($1, $2)";
        run!(tx, execute, query, add, message, format!("k{kind}")).unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(react(&author, message, "k7").await.status, 200);
    assert_eq!(json(&react(&author, message, "k7").await)["added"], false);
    assert_eq!(react(&author, message, "k200").await.status, 400);
}

async fn since_reports_reactions_only_to_those_who_ask(stores: Stores) {
    let Some((server, _, author)) = lobby(stores).await else {
        return;
    };
    let other = server.user().await;
    let message = post(&author).await;
    react(&other, message, THUMB).await;
    for query in ["", "?t=x", "?t=R", "?t="] {
        assert_eq!(since(&author, 1, query).await, json!([]), "{query}");
    }
    // These three keys and no others.
    let update = json!({
        "id": message, "seqno": 2,
        "reactions": { THUMB: { "index": 0, "count": 1, "reactors": [other.id] } },
    });
    for query in ["?t=r", "?reactors=5&t=xry&limit=100"] {
        assert_eq!(since(&author, 1, query).await, json!([update]), "{query}");
    }
    let short = json!([{ "id": message, "seqno": 2, "reactions": { THUMB: { "index": 0, "count": 1 } } }]);
    assert_eq!(since(&author, 1, "?t=r&reactors=0").await, short);
    assert_eq!(since(&author, 2, "?t=r").await, json!([]));
}

async fn a_message_that_is_new_or_changed_is_reported_in_full(stores: Stores) {
    let Some((_server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    react(&author, message, THUMB).await;
    for query in ["", "?t=r"] {
        let full = since(&author, 0, query).await;
        assert!(
            full[0]["data"].is_string() && full[0]["reactions"][THUMB]["count"] == 1,
            "{query}"
        );
    }
    let edit = json!({ "data": "eQ==", "signature": "A".repeat(86) });
    assert_eq!(
        author
            .put(&format!("/room/lobby/message/{message}"), &edit)
            .await
            .status,
        200
    );
    react(&author, message, FIRE).await;
    // Both content and reactions have changed since then.
    for query in ["", "?t=r"] {
        let full = since(&author, 2, query).await;
        assert_eq!(
            (&full[0]["seqno"], &full[0]["data"]),
            (&json!(4), &json!("eQ==")),
            "{query}"
        );
        assert_eq!(full[0]["reactions"].as_object().unwrap().len(), 2);
    }
    assert!(since(&author, 3, "?t=r").await[0].get("data").is_none());
}

async fn a_removed_reaction_is_reported(stores: Stores) {
    let Some((_server, _, author)) = lobby(stores).await else {
        return;
    };
    let message = post(&author).await;
    react(&author, message, THUMB).await;
    unreact(&author, message, THUMB).await;
    let update = json!([{ "id": message, "seqno": 3, "reactions": {} }]);
    assert_eq!(since(&author, 2, "?t=r").await, update);
    assert_eq!(since(&author, 1, "?t=r").await, update);
}
